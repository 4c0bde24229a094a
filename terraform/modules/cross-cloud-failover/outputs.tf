output "hosts" {
  description = "What callers ask for: service → host name, over their proxy's http_proxy."
  value       = { for name, service in skerry_multi_zone_service.this : name => "${service.name}.mesh" }
}
