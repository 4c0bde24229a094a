resource "skerry_load_balancing_strategy" "backend-failover" {
  mesh = "default"
  name = "backend-failover"
  spec = {
    to = [
      {
        target_ref = {
          kind = "MeshMultiZoneService"
          labels = {
            "kuma.io/display-name" = "backend"
          }
        }
        default = {
          locality_awareness = {
            cross_zone = {
              failover = [
                {
                  to = {
                    type = "Any"
                  }
                },
              ]
              failover_threshold = {
                percentage = "70"
              }
            }
          }
          load_balancer = {
            type = "LeastRequest"
            least_request = {
              choice_count = 4
            }
          }
        }
      },
    ]
  }
}
