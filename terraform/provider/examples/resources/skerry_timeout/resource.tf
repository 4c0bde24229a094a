resource "skerry_timeout" "slow-backend" {
  mesh = "default"
  name = "slow-backend"
  spec = {
    target_ref = {
      kind = "Dataplane"
      labels = {
        app = "web"
      }
    }
    to = [
      {
        target_ref = {
          kind = "MeshService"
          labels = {
            "kuma.io/display-name" = "backend"
          }
        }
        default = {
          connection_timeout = "2s"
          http = {
            request_timeout = "5s"
          }
        }
      },
    ]
  }
}
