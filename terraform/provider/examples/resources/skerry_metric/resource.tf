resource "skerry_metric" "all" {
  mesh = "default"
  name = "all"
  spec = {
    default = {
      sidecar = {
        profiles = {
          append_profiles = [
            {
              name = "Basic"
            },
          ]
        }
      }
      backends = [
        {
          type       = "Prometheus"
          prometheus = {}
        },
      ]
    }
  }
}
