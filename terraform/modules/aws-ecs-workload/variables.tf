variable "create" {
  description = "false makes nothing."
  type        = bool
  default     = true
}

variable "name" {
  description = "The workload, and so the service's name in the mesh."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.name))
    error_message = "name: small letters, digits and dashes, at most 63."
  }
}

variable "mesh" {
  description = "The mesh that it joins."
  type        = string
  default     = "default"
}

variable "zone_name" {
  description = "The zone that it joins: `zone_name` of a zone module."
  type        = string
}

variable "xds_address" {
  description = "Where the zone takes proxies: `xds_address` of a zone module."
  type        = string
}

variable "caller_security_group_ids" {
  description = "Who calls this workload: a name → security group. Workloads in this network, and for calls from other zones the gateway (`gateway_origin` of aws-ecs-zone or aws-ec2-zone)."
  type        = map(string)
  default     = {}
}

variable "container_definitions" {
  description = "Your containers, as in a task definition. The proxy is put beside them."
  type        = any

  validation {
    condition     = can(length(var.container_definitions)) && alltrue([for container in var.container_definitions : can(container.name) && can(container.image)])
    error_message = "container_definitions: a list of containers, each with name and image."
  }
  validation {
    condition     = alltrue([for container in var.container_definitions : try(container.name, "") != "skerry-proxy"])
    error_message = "container_definitions: the name skerry-proxy is the proxy's."
  }
}

variable "ports" {
  description = "Where the application listens. `inbound` is where others reach it through the proxy."
  type = list(object({
    name     = optional(string, "main")
    port     = number
    protocol = optional(string, "http")
    inbound  = number
  }))

  validation {
    condition     = length(var.ports) > 0 && length(distinct(var.ports[*].name)) == length(var.ports) && length(distinct(var.ports[*].inbound)) == length(var.ports)
    error_message = "ports: at least one, each with a name and an inbound port of its own."
  }
  validation {
    condition     = alltrue([for port in var.ports : contains(["http", "http2", "grpc", "tcp"], port.protocol)])
    error_message = "ports: protocol is http, http2, grpc or tcp."
  }
}

variable "health" {
  description = "How the proxy finds out whether the application answers: tcp, http:/PATH or none."
  type        = string
  default     = "tcp"

  validation {
    condition     = can(regex("^(tcp|none|http:/.*)$", var.health))
    error_message = "health: tcp, http:/PATH or none."
  }
}

variable "outbounds" {
  description = "Services that the application calls at a port of 127.0.0.1: port → service."
  type        = map(string)
  default     = {}
}

variable "http_proxy_port" {
  description = "Where the application's http_proxy reaches every service by name; null: nowhere."
  type        = number
  default     = null
}

variable "proxy_image" {
  description = "Container image with `skerry` on its PATH."
  type        = string
}

variable "cluster_arn" {
  description = "The ECS cluster."
  type        = string
}

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets for the tasks."
  type        = list(string)
}

variable "desired_count" {
  description = "How many tasks run."
  type        = number
  default     = 2
}

variable "cpu" {
  description = "CPU units of a task, the proxy's included."
  type        = number
  default     = 512
}

variable "memory" {
  description = "Memory of a task in MiB, the proxy's included."
  type        = number
  default     = 1024
}

variable "task_role_arn" {
  description = "What the application may call in AWS; null: nothing."
  type        = string
  default     = null
}

variable "secret_arns" {
  description = "Secrets that your containers name under `secrets`: ECS must be allowed to read them."
  type        = list(string)
  default     = []
}

variable "token_valid_for" {
  description = "How long the workload's token is accepted for new connections."
  type        = string
  default     = "2160h"
}

variable "token_version" {
  description = "A higher number makes a new token, and new tasks that use it."
  type        = number
  default     = 1
}

variable "log_retention_days" {
  description = "How long the proxy's logs are kept."
  type        = number
  default     = 30
}

variable "tags" {
  description = "Tags on everything."
  type        = map(string)
  default     = {}
}
