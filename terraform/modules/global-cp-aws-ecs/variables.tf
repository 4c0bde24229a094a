variable "create" {
  description = "false makes nothing."
  type        = bool
  default     = true
}

variable "name" {
  description = "What everything is called."
  type        = string
  default     = "skerry-global"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}$", var.name))
    error_message = "name: small letters, digits and dashes, at most 31."
  }
}

variable "image" {
  description = "Container image with `skerry` on its PATH."
  type        = string
}

variable "admin_token" {
  description = "The admin's token, of at least 32 characters. It goes into the secret store and stands in neither state nor plan."
  type        = string
  ephemeral   = true
  sensitive   = true

  validation {
    condition     = length(var.admin_token) >= 32
    error_message = "admin_token: at least 32 characters, as `openssl rand -base64 32` prints them."
  }
}

variable "admin_token_version" {
  description = "A higher number puts in the admin's token anew and starts the control plane with it."
  type        = number
  default     = 1
}

variable "api_names" {
  description = "Names under which people and programs reach the API, beside its address."
  type        = list(string)
  default     = []
}

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets for the control plane, with a way out to the registry of the image."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) > 0
    error_message = "subnet_ids: name at least one."
  }
}

variable "load_balancer_subnet_ids" {
  description = "Subnets of the load balancer; public ones where zones are on other clouds."
  type        = list(string)
}

variable "internal" {
  description = "true: it is reached from connected networks only."
  type        = bool
  default     = false
}

variable "zone_cidr_blocks" {
  description = "From where zones connect. Whoever has no zone token is refused; fewer is still better."
  type        = set(string)
  default     = ["0.0.0.0/0"]

  validation {
    condition     = alltrue([for block in var.zone_cidr_blocks : can(cidrhost(block, 0))])
    error_message = "zone_cidr_blocks: must be CIDR blocks."
  }
}

variable "api_cidr_blocks" {
  description = "From where people and programs reach the API."
  type        = set(string)

  validation {
    condition     = alltrue([for block in var.api_cidr_blocks : can(cidrhost(block, 0))])
    error_message = "api_cidr_blocks: must be CIDR blocks."
  }
}

variable "cluster_arn" {
  description = "The ECS cluster; null makes one."
  type        = string
  default     = null
}

variable "replicas" {
  description = "How many run; more than one need etcd."
  type        = number
  default     = 1
}

variable "etcd_endpoints" {
  description = "Members of an etcd cluster; empty = SQLite on EFS."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.etcd_endpoints) > 0 || var.replicas == 1
    error_message = "etcd_endpoints: several replicas need etcd; SQLite is for one."
  }
}

variable "dns" {
  description = "A name for it in Route 53: hosted zone and name; null: none."
  type = object({
    hosted_zone_id = string
    name           = string
  })
  default = null
}

variable "cpu" {
  description = "CPU units of a task."
  type        = number
  default     = 1024
}

variable "memory" {
  description = "Memory of a task in MiB."
  type        = number
  default     = 2048
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
