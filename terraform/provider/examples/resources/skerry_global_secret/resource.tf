variable "upstream_key" {
  type      = string
  ephemeral = true
}

resource "skerry_global_secret" "upstream_key" {
  name             = "upstream-key"
  value_base64_wo  = base64encode(var.upstream_key)
  value_wo_version = 1
}
