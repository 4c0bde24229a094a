variable "instance_id" {
  description = "The machine that is there already."
  type        = string
  default     = "i-0123456789abcdef0"
}

variable "zone_endpoint" {
  description = "API of the control plane of the zone that it is in; null: SKERRY_ENDPOINT."
  type        = string
  default     = null
}
