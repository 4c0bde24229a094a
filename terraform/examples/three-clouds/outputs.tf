output "catalogue" {
  description = "What callers ask for, over their proxy's http_proxy."
  value       = "http://${module.failover.hosts["catalogue"]}/"
}

output "gateways" {
  description = "Where the zones are reached by each other."
  value = {
    aws-1   = module.aws_1.gateway_addresses
    azure-1 = module.azure_1.gateway_addresses
    gcp-1   = module.gcp_1.gateway_addresses
  }
}
