output "name" {
  description = "The workload."
  value       = var.name
}

output "service_arn" {
  description = "The ECS service."
  value       = one(aws_ecs_service.this[*].id)
}

output "task_definition_arn" {
  description = "The task definition, the proxy included."
  value       = one(aws_ecs_task_definition.this[*].arn)
}

output "security_group_id" {
  description = "Of the tasks: let it in where this workload calls, and into the zone (proxy_security_group_ids)."
  value       = one(aws_security_group.this[*].id)
}

output "token_secret" {
  description = "Where the workload's token is kept: the ARN of a secret."
  value       = one(aws_secretsmanager_secret.token[*].arn)
}
