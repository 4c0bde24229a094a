resource "skerry_mesh" "default" {
  name = "default"
}
