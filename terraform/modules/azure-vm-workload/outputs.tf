output "name" {
  description = "The workload."
  value       = var.name
}

output "scale_set_id" {
  description = "The group of its machines."
  value       = one(azurerm_linux_virtual_machine_scale_set.this[*].id)
}

output "identity_principal_id" {
  description = "Who the machines are: give it the roles that the application needs."
  value       = one(azurerm_user_assigned_identity.this[*].principal_id)
}

output "token_secret" {
  description = "Where the workload's token is kept: the id of a secret, without its version."
  value       = one(azurerm_key_vault_secret.token[*].versionless_id)
}
