resource "skerry_trace" "all-requests" {
  mesh = "default"
  name = "all-requests"
  spec = {
    default = {
      backends = [
        {
          type = "OpenTelemetry"
          open_telemetry = {
            backend_ref = {
              kind = "MeshOpenTelemetryBackend"
              labels = {
                "kuma.io/display-name" = "collector"
              }
            }
          }
        },
      ]
      sampling = {
        random = "10"
      }
    }
  }
}
