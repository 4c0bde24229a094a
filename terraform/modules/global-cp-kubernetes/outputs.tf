output "sync_address" {
  description = "What zones of the same cluster connect to: `global_address` of a zone module. From elsewhere: the address of the load balancer, port 5685."
  value       = var.create ? "https://${var.name}.${var.namespace}.svc:${local.ports.sync}" : null
}

output "api_address" {
  description = "What people and programs in the same cluster use."
  value       = var.create ? "https://${var.name}-api.${var.namespace}.svc:${local.ports.api}" : null
}

output "admin_token_secret" {
  description = "Where the admin's token is kept: NAMESPACE/NAME of a Secret."
  value       = var.create ? "${var.namespace}/${kubernetes_secret_v1.admin_token[0].metadata[0].name}" : null
}
