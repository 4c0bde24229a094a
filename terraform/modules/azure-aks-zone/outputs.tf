output "zone_name" {
  description = "Name of the zone, known when its control plane runs: what is asked of it waits for that."
  value       = var.create ? skerry_zone.this[0].id : var.zone_name

  depends_on = [helm_release.this]
}

output "xds_address" {
  description = "HOST:PORT by which the zone's proxies join it: their `--cp`."
  value       = var.create ? "skerry.${local.namespace}.svc:${local.ports.xds}" : null
}

output "gateway_addresses" {
  description = "ADDRESS:PORT by which other zones reach this one."
  value       = var.create ? ["${local.gateway_address}:${local.ports.ingress}"] : []
}

output "gateway_origin" {
  description = "From where the gateway's connections to workloads come, as their firewall names it: here the network of the cluster's pods."
  value       = var.pod_cidr_block
}

output "discovery_identity" {
  description = "As whom the control plane asks the cloud: here the client id of a managed identity."
  value       = one(azurerm_user_assigned_identity.this[*].client_id)
}

output "gateway_identity" {
  description = "As whom the zone gateway calls the cloud, for functions that it invokes: here the client id of a managed identity."
  value       = one(azurerm_user_assigned_identity.this[*].client_id)
}

output "token_secret" {
  description = "Where the zone's token is kept: here NAMESPACE/NAME of a Secret."
  value       = var.create ? "${local.namespace}/${kubernetes_secret_v1.zone_token[0].metadata[0].name}" : null
}
