variable "zone_role_arn" {
  description = "The role of the gateway of zone aws-1: `gateway_identity` of its module."
  type        = string
  default     = "arn:aws:iam::123456789012:role/skerry-zone-aws-1"
}

variable "package" {
  description = "Zip file with the function's code."
  type        = string
  default     = "checkout.zip"
}
