data "skerry_zones" "silent" {
  state = "silent"
}
