resource "skerry_health_check" "backend" {
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
          interval            = "10s"
          timeout             = "2s"
          unhealthy_threshold = 3
          http = {
            path              = "/health"
            expected_statuses = [200]
          }
        }
      },
    ]
  }
}
