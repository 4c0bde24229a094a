variable "registry_token" {
  type      = string
  ephemeral = true
}

resource "skerry_secret" "registry_token" {
  name             = "registry-token"
  value_wo         = var.registry_token
  value_wo_version = 1
}
