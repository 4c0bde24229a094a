variable "create" {
  description = "false makes nothing."
  type        = bool
  default     = true
}

variable "name" {
  description = "The workload, and so the service's name in the mesh; the function's name too."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.name))
    error_message = "name: small letters, digits and dashes, at most 63."
  }
}

variable "mesh" {
  description = "The mesh in which it appears."
  type        = string
  default     = "default"
}

variable "zone_name" {
  description = "The zone whose gateway invokes it: `zone_name` of a zone module."
  type        = string
}

variable "gateway_role_arn" {
  description = "The role of that gateway: `gateway_identity` of aws-ecs-zone, aws-ec2-zone or aws-eks-zone. Nobody else is allowed to invoke it by this module."
  type        = string

  validation {
    condition     = can(regex("^arn:[^:]+:", var.gateway_role_arn))
    error_message = "gateway_role_arn: must be an ARN."
  }
}

variable "package" {
  description = "The code: a zip file here, or an object in S3."
  type = object({
    file      = optional(string)
    s3_bucket = optional(string)
    s3_key    = optional(string)
    sha256    = optional(string)
  })

  validation {
    condition     = (var.package.file != null) != (var.package.s3_bucket != null && var.package.s3_key != null)
    error_message = "package: give file, or s3_bucket and s3_key."
  }
}

variable "handler" {
  description = "What is called, as index.handler."
  type        = string
  default     = "index.handler"
}

variable "runtime" {
  description = "Runtime of the function."
  type        = string
  default     = "nodejs22.x"
}

variable "architecture" {
  description = "arm64 or x86_64."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture: arm64 or x86_64."
  }
}

variable "memory" {
  description = "Memory in MiB."
  type        = number
  default     = 256
}

variable "timeout" {
  description = "How long an invocation may take, in seconds."
  type        = number
  default     = 10

  validation {
    condition     = var.timeout >= 1 && var.timeout <= 900
    error_message = "timeout: 1 to 900 seconds."
  }
}

variable "environment" {
  description = "Environment variables of the function."
  type        = map(string)
  default     = {}
}

variable "policy" {
  description = "IAM policy document as JSON: what the function may call; null: nothing but its logs."
  type        = string
  default     = null
}

variable "payload" {
  description = "What the function is called with: http-2.0 (as behind API Gateway or a function URL) or passthrough (the body as it is)."
  type        = string
  default     = "http-2.0"

  validation {
    condition     = contains(["http-2.0", "passthrough"], var.payload)
    error_message = "payload: http-2.0 or passthrough."
  }
}

variable "register" {
  description = "How the zone comes to know it: `discovery` by its tags (discovery = [\"Lambda\"] in the zone module), `terraform` as a workload that this configuration owns; the provider skerry is then that of the zone's own control plane."
  type        = string
  default     = "discovery"

  validation {
    condition     = contains(["discovery", "terraform"], var.register)
    error_message = "register: discovery or terraform."
  }
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 30
}

variable "tags" {
  description = "Tags on everything."
  type        = map(string)
  default     = {}
}
