resource "skerry_gateway" "edge" {
  mesh = "default"
  name = "edge"
  spec = {
    selector = {
      match_labels = {
        app = "edge"
      }
    }
    listeners = [
      {
        port     = 8080
        protocol = "HTTP"
        hostname = "shop.example.com"
      },
    ]
  }
}
