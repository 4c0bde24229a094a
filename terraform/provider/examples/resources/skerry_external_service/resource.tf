resource "skerry_external_service" "payments" {
  mesh = "default"
  name = "payments"
  spec = {
    match = {
      port     = 80
      protocol = "http"
    }
    endpoints = [
      {
        address = "api.payments.example.com"
        port    = 443
      },
    ]
    tls = {
      enabled = true
      verification = {
        server_name = "api.payments.example.com"
      }
    }
  }
}
