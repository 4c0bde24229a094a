resource "skerry_service" "backend" {
  mesh = "default"
  name = "backend"
  spec = {
    selector = {
      dataplane_labels = {
        match_labels = {
          app = "backend"
        }
      }
    }
    ports = [
      {
        name         = "http"
        port         = 80
        target_port  = "8080"
        app_protocol = "http"
      },
    ]
  }
}
