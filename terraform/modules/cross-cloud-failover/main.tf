locals {
  services = var.create ? var.services : {}
  ports    = { for name in keys(local.services) : name => lookup(var.ports, name, [{ name = "main", port = 80, protocol = "http" }]) }
}

# One service over all zones: what runs under this name, wherever.
resource "skerry_multi_zone_service" "this" {
  for_each = local.services

  mesh = var.mesh
  name = each.key
  spec = {
    selector = { mesh_service = { match_labels = { "kuma.io/display-name" = each.key } } }
    ports    = [for port in local.ports[each.key] : { name = port.name, port = port.port, app_protocol = port.protocol }]
  }
}

# The zones in their order, for callers wherever they are.
resource "skerry_load_balancing_strategy" "this" {
  for_each = local.services

  mesh = var.mesh
  name = "${each.key}-failover"
  spec = {
    to = [{
      target_ref = { kind = "MeshMultiZoneService", labels = { "kuma.io/display-name" = each.key } }
      default = {
        locality_awareness = {
          cross_zone = {
            failover = concat(
              [for zone in each.value : { from = null, to = { type = "Only", zones = [zone] } }],
              var.only_named_zones ? [] : [{ from = null, to = { type = "Any", zones = null } }],
            )
            failover_threshold = var.failover_threshold == null ? null : { percentage = var.failover_threshold }
          }
        }
      }
    }]
  }

  depends_on = [skerry_multi_zone_service.this]
}
