resource "skerry_rate_limit" "backend" {
  mesh = "default"
  name = "backend"
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
          local = {
            http = {
              request_rate = {
                num      = 100
                interval = "1s"
              }
            }
          }
        }
      },
    ]
  }
}
