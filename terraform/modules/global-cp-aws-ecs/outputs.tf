output "sync_address" {
  description = "What zones connect to: `global_address` of a zone module."
  value       = var.create ? "https://${var.dns == null ? aws_lb.this[0].dns_name : var.dns.name}:${local.ports.sync}" : null
}

output "api_address" {
  description = "What people and programs use: `--api` of the command line, `endpoint` of the Terraform provider."
  value       = var.create ? "https://${var.dns == null ? aws_lb.this[0].dns_name : var.dns.name}:${local.ports.api}" : null
}

output "admin_token_secret" {
  description = "Where the admin's token is kept: here the ARN of a secret."
  value       = one(aws_secretsmanager_secret.admin_token[*].arn)
}
