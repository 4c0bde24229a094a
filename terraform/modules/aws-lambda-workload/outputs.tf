output "name" {
  description = "The workload."
  value       = var.name
}

output "function_arn" {
  description = "The function, with the alias that the mesh invokes: what `lambda_function_arns` of the zone module wants."
  value       = one(aws_lambda_alias.live[*].arn)
}

output "role_arn" {
  description = "As whom the function runs."
  value       = one(aws_iam_role.this[*].arn)
}
