variable "create" {
  description = "false makes nothing."
  type        = bool
  default     = true
}

variable "mesh" {
  description = "The mesh."
  type        = string
  default     = "default"
}

variable "services" {
  description = "Service → its zones, the first one first. Callers go to the next zone when one has no healthy instance left."
  type        = map(list(string))

  validation {
    condition     = alltrue([for zones in var.services : length(zones) > 0 && length(distinct(zones)) == length(zones)])
    error_message = "services: each needs zones, none of them twice."
  }
  validation {
    condition     = alltrue([for name in keys(var.services) : can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", name))])
    error_message = "services: names are small letters, digits and dashes, at most 63."
  }
}

variable "ports" {
  description = "Ports of services that have others than one HTTP port `main`: service → ports."
  type = map(list(object({
    name     = string
    port     = number
    protocol = optional(string, "http")
  })))
  default = {}

  validation {
    condition     = alltrue([for port in flatten(values(var.ports)) : contains(["http", "http2", "grpc", "tcp"], port.protocol)])
    error_message = "ports: protocol is http, http2, grpc or tcp."
  }
}

variable "only_named_zones" {
  description = "true: a service is never asked for in a zone that is not named here."
  type        = bool
  default     = true
}

variable "failover_threshold" {
  description = "From what share of a zone's instances on (percent, as text) its traffic begins to go to the next one; null: when none is left."
  type        = string
  default     = null

  validation {
    condition     = var.failover_threshold == null || can(tonumber(var.failover_threshold))
    error_message = "failover_threshold: a number of percent."
  }
}
