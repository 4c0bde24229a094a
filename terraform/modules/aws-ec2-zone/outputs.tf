output "zone_name" {
  description = "Name of the zone, known when its control plane runs: what is asked of it waits for that."
  value       = var.create ? skerry_zone.this[0].id : var.zone_name

  depends_on = [aws_instance.this]
}

output "xds_address" {
  description = "HOST:PORT by which the zone's proxies join it: their `--cp`."
  value       = var.create ? "${aws_instance.this[0].private_ip}:${local.ports.xds}" : null
}

output "gateway_addresses" {
  description = "ADDRESS:PORT by which other zones reach this one."
  value       = var.create ? ["${var.gateway_internal ? aws_instance.this[0].private_ip : aws_eip.this[0].public_ip}:${local.ports.ingress}"] : []
}

output "gateway_origin" {
  description = "From where the gateway's connections to workloads come, as their firewall names it: here a security group."
  value       = one(aws_security_group.this[*].id)
}

output "discovery_identity" {
  description = "As whom the control plane asks the cloud: here the ARN of a role."
  value       = one(aws_iam_role.this[*].arn)
}

output "gateway_identity" {
  description = "As whom the zone gateway calls the cloud, for functions that it invokes: here the ARN of a role."
  value       = one(aws_iam_role.this[*].arn)
}

output "token_secret" {
  description = "Where the zone's token is kept: here the ARN of a secret."
  value       = one(aws_secretsmanager_secret.zone_token[*].arn)
}
