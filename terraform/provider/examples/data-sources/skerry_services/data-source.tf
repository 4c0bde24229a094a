data "skerry_services" "degraded" {
  mesh  = "default"
  state = "degraded"
}
