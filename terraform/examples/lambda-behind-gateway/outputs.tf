output "function_arn" {
  description = "What the gateway of the zone invokes."
  value       = module.checkout.function_arn
}
