data "skerry_mesh" "shop" {
  name = "shop"
}
