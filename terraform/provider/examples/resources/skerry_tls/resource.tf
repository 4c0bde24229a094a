resource "skerry_tls" "strict" {
  mesh = "default"
  name = "strict"
  spec = {
    rules = [
      {
        default = {
          mode = "Strict"
          tls_version = {
            min = "TLS12"
          }
        }
      },
    ]
  }
}
