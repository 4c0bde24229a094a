output "name" {
  description = "The workload."
  value       = var.name
}

output "autoscaling_group_name" {
  description = "The group of its machines."
  value       = one(aws_autoscaling_group.this[*].name)
}

output "role_name" {
  description = "As whom the machines run: attach to it what the application may call."
  value       = one(aws_iam_role.this[*].name)
}

output "security_group_id" {
  description = "Of the machines: let it in where this workload calls, and into the zone (proxy_security_group_ids)."
  value       = one(aws_security_group.this[*].id)
}

output "token_secret" {
  description = "Where the workload's token is kept: the ARN of a secret."
  value       = one(aws_secretsmanager_secret.token[*].arn)
}
