resource "skerry_fault_injection" "slow-backend" {
  mesh = "default"
  name = "slow-backend"
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
          http = [
            {
              delay = {
                value      = "2s"
                percentage = "5"
              }
            },
          ]
        }
      },
    ]
  }
}
