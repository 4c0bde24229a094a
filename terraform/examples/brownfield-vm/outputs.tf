output "workload" {
  description = "The service that it is an instance of."
  value       = skerry_workload.billing.workload
}
