ephemeral "skerry_workload_token" "payments" {
  mesh      = "default"
  zone      = "aws-1"
  workload  = "payments"
  valid_for = "720h"
}

ephemeral "skerry_workload_token" "zone_gateway" {
  mesh      = "default"
  zone      = "aws-1"
  workload  = "zone-gateway"
  type      = "ingress"
  valid_for = "720h"
}
