resource "skerry_traffic_permission" "web-to-backend" {
  mesh = "default"
  name = "web-to-backend"
  spec = {
    target_ref = {
      kind = "Dataplane"
      labels = {
        app = "backend"
      }
    }
    rules = [
      {
        default = {
          allow = [
            {
              spiffe_id = {
                type  = "Exact"
                value = "spiffe://default.aws-1.mesh.local/workload/web"
              }
            },
          ]
        }
      },
    ]
  }
}
