resource "skerry_passthrough" "web" {
  mesh = "default"
  name = "web"
  spec = {
    target_ref = {
      kind = "Dataplane"
      labels = {
        app = "web"
      }
    }
    default = {
      passthrough_mode = "Matched"
      append_match = [
        {
          type     = "Domain"
          value    = "*.example.com"
          port     = 443
          protocol = "tls"
        },
      ]
    }
  }
}
