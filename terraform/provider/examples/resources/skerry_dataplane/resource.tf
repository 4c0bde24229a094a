resource "skerry_dataplane" "web-1" {
  mesh = "default"
  name = "web-1"
  labels = {
    app                = "web"
    "kuma.io/workload" = "web"
  }
  networking = {
    address = "10.0.0.5"
    inbound = [
      {
        port     = 8080
        name     = "http"
        protocol = "http"
        service_probe = {
          interval = "5s"
          tcp      = {}
        }
      },
    ]
    outbound = [
      {
        port = 10001
        backend_ref = {
          kind = "MeshService"
          labels = {
            "kuma.io/display-name" = "backend"
          }
          port = 80
        }
      },
    ]
  }
}
