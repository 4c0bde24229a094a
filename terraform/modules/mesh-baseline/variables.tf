variable "create" {
  description = "false makes nothing."
  type        = bool
  default     = true
}

variable "name" {
  description = "The mesh."
  type        = string
  default     = "default"

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.name))
    error_message = "name: small letters, digits and dashes, at most 63."
  }
}

variable "adopt" {
  description = "true: the mesh and its identity are there already (a control plane that was started with its defaults makes mesh default): only what is said here is added."
  type        = bool
  default     = false
}

variable "allow" {
  description = "Who may call what; what is not said is refused. Service → SPIFFE ids of its callers, exact, or by their beginning with `*` at the end."
  type        = map(list(string))
  default     = {}

  validation {
    condition     = alltrue([for id in flatten(values(var.allow)) : startswith(id, "spiffe://")])
    error_message = "allow: callers are SPIFFE ids, as spiffe://default.aws-1.mesh.local/workload/orders."
  }
}

variable "timeouts" {
  description = "What holds for every call in the mesh, where nothing else is said."
  type = object({
    connect = optional(string, "5s")
    request = optional(string, "15s")
  })
  default = {}
}

variable "retries" {
  description = "How often a call that failed before an answer began is tried again."
  type        = number
  default     = 2

  validation {
    condition     = var.retries >= 0 && var.retries <= 10
    error_message = "retries: 0 to 10."
  }
}
