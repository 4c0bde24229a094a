data "skerry_effective_policies" "web" {
  dataplane = "web-1"
}

output "timeouts" {
  value = [for policy in data.skerry_effective_policies.web.policies : policy.fields if policy.kind == "MeshTimeout"]
}
