output "user_data" {
  description = "User data for the machine that you make, in any cloud."
  value       = module.user_data.user_data
}

output "ports" {
  description = "What its firewall lets in: `api` for people and programs, `sync` for zones. Both are TLS, by the control plane's own certificate: load balancers pass it on as it is."
  value       = { api = 5681, sync = 5685 }
}
