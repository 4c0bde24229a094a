ephemeral "skerry_workload_token" "payments" {
  mesh      = "default"
  zone      = "aws-1"
  workload  = "payments"
  valid_for = "720h"
}
