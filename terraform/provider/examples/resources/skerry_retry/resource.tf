resource "skerry_retry" "backend" {
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
          http = {
            num_retries = 3
            retry_on    = ["5XX", "ConnectFailure"]
          }
        }
      },
    ]
  }
}
