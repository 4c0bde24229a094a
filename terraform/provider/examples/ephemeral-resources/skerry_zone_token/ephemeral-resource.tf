resource "skerry_zone" "gcp" {
  name = "gcp-1"
}

ephemeral "skerry_zone_token" "gcp" {
  zone      = skerry_zone.gcp.id
  valid_for = "720h"
}

resource "skerry_secret" "gcp_token" {
  name             = "gcp-1-token"
  value_wo         = ephemeral.skerry_zone_token.gcp.token
  value_wo_version = 1
}
