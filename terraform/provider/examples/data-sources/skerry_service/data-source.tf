data "skerry_service" "backend" {
  name = "backend"
}

output "instances_by_zone" {
  value = { for zone in data.skerry_service.backend.zones : zone.zone => zone.healthy }
}
