resource "skerry_open_telemetry_backend" "collector" {
  mesh = "default"
  name = "collector"
  spec = {
    endpoint = {
      address = "collector.observability"
      port    = 4317
    }
    protocol = "grpc"
  }
}
