output "policy" {
  description = "IAM policy document as JSON; null where nothing is looked for."
  value       = length(local.granted) > 0 ? jsonencode(local.policy) : null
}

output "actions" {
  description = "What the policy allows."
  value       = local.granted
}
