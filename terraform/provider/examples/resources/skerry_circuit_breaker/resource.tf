resource "skerry_circuit_breaker" "backend" {
  mesh = "default"
  name = "backend"
  spec = {
    to = [
      {
        target_ref = {
          kind = "MeshService"
          labels = {
            "kuma.io/display-name" = "backend"
          }
        }
        default = {
          connection_limits = {
            max_connections = 100
          }
          outlier_detection = {
            detectors = {
              total_failures = {
                consecutive = 5
              }
            }
          }
        }
      },
    ]
  }
}
