output "name" {
  description = "The workload."
  value       = var.name
}

output "instance_group" {
  description = "The group of its machines."
  value       = one(google_compute_region_instance_group_manager.this[*].instance_group)
}

output "service_account_email" {
  description = "Who the machines are: give it the roles that the application needs."
  value       = one(google_service_account.this[*].email)
}

output "token_secret" {
  description = "Where the workload's token is kept: the id of a secret."
  value       = one(google_secret_manager_secret.token[*].id)
}
