resource "skerry_multi_zone_service" "backend" {
  mesh = "default"
  name = "backend"
  spec = {
    selector = {
      mesh_service = {
        match_labels = {
          "kuma.io/display-name" = "backend"
        }
      }
    }
    ports = [
      {
        name         = "http"
        port         = 80
        app_protocol = "http"
      },
    ]
  }
}
