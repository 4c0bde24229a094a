resource "skerry_zone_address" "east" {
  mesh = "default"
  name = "east"
  spec = {
    address = "203.0.113.7"
    port    = 10001
  }
}
