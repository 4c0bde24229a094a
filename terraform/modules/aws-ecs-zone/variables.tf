variable "create" {
  description = "false makes nothing."
  type        = bool
  default     = true
}

variable "zone_name" {
  description = "Name of the zone, as global and all other zones know it."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$", var.zone_name))
    error_message = "zone_name: small letters, digits and dashes, at most 32."
  }
}

variable "global_address" {
  description = "Where zones reach the global control plane, as https://global.example:5685."
  type        = string

  validation {
    condition     = can(regex("^https://[^/]+:[0-9]+$", var.global_address))
    error_message = "global_address: must be https://HOST:PORT."
  }
}

variable "mesh" {
  description = "The mesh that the zone's gateway serves and in which discovered workloads appear."
  type        = string
  default     = "default"
}

variable "image" {
  description = "Container image with `skerry` on its PATH."
  type        = string
}

variable "vpc_id" {
  description = "The network of the zone."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets for control plane and gateways, of at least two availability zones. They need a way out: to global, and to the registry of the image."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) > 0
    error_message = "subnet_ids: name at least one."
  }
}

variable "gateway_subnet_ids" {
  description = "Subnets of the load balancer in front of the zone gateways, which has an address in each; public ones where zones meet over the internet. Empty = those of subnet_ids."
  type        = list(string)
  default     = []
}

variable "gateway_internal" {
  description = "true: the zone gateway is reached from connected networks only."
  type        = bool
  default     = false
}

variable "gateway_private_ips" {
  description = "With gateway_internal: a free address of each of these subnets, in their order."
  type        = list(string)
  default     = []

  validation {
    condition     = !var.gateway_internal || length(var.gateway_private_ips) == length(length(var.gateway_subnet_ids) > 0 ? var.gateway_subnet_ids : var.subnet_ids)
    error_message = "gateway_private_ips: with gateway_internal, name one for each subnet of the load balancer."
  }
}

variable "gateway_cidr_blocks" {
  description = "From where other zones reach the zone gateway. It lets in nobody who does not show a certificate of the mesh; fewer is still better."
  type        = list(string)
  default     = ["0.0.0.0/0"]

  validation {
    condition     = alltrue([for block in var.gateway_cidr_blocks : can(cidrhost(block, 0))])
    error_message = "gateway_cidr_blocks: must be CIDR blocks."
  }
}

variable "gateway_count" {
  description = "How many zone gateways run for each address."
  type        = number
  default     = 1

  validation {
    condition     = var.gateway_count >= 1 && floor(var.gateway_count) == var.gateway_count
    error_message = "gateway_count: a whole number, at least 1."
  }
}

variable "proxy_security_group_ids" {
  description = "Security groups whose members may join the zone."
  type        = map(string)
  default     = {}
}

variable "proxy_cidr_blocks" {
  description = "Networks from which proxies may join the zone, beside those of proxy_security_group_ids."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for block in var.proxy_cidr_blocks : can(cidrhost(block, 0))])
    error_message = "proxy_cidr_blocks: must be CIDR blocks."
  }
}

variable "workload_cidr_blocks" {
  description = "Where the zone's workloads are: the gateway may reach those, and nothing else."
  type        = set(string)

  validation {
    condition     = length(var.workload_cidr_blocks) > 0 && alltrue([for block in var.workload_cidr_blocks : can(cidrhost(block, 0))])
    error_message = "workload_cidr_blocks: name CIDR blocks, as that of the VPC."
  }
}

variable "cluster_arn" {
  description = "The ECS cluster; null makes one."
  type        = string
  default     = null
}

variable "cpu" {
  description = "CPU units of a task."
  type        = number
  default     = 512
}

variable "memory" {
  description = "Memory of a task in MiB."
  type        = number
  default     = 1024
}

variable "zone_token_valid_for" {
  description = "How long the zone's token is accepted for new connections; one that is open goes on."
  type        = string
  default     = "2160h"

  validation {
    condition     = can(regex("^([0-9]+h)?([0-9]+m)?([0-9]+s)?$", var.zone_token_valid_for)) && var.zone_token_valid_for != ""
    error_message = "zone_token_valid_for: a duration, as 720h."
  }
}

variable "zone_token_version" {
  description = "A higher number makes a new token and starts the control plane anew with it. `tonumber(formatdate(\"YYYYMM\", plantimestamp()))` does so with the first apply of a month."
  type        = number
  default     = 1
}

variable "discovery" {
  description = "What the zone looks for in this account and region: types of DiscoverySource (ECS, Lambda, EC2, EKS, CloudMap). Only what is tagged `skerry.io/mesh` with the mesh's name is taken in; of CloudMap, instances with such an attribute."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.discovery, ["ECS", "Lambda", "EC2", "EKS", "CloudMap"])) == 0
    error_message = "discovery: ECS, Lambda, EC2, EKS and CloudMap are known."
  }
}

variable "task_events" {
  description = "true: with ECS in `discovery`, tasks that start and stop are known within seconds, by a queue of their events; without it with the next listing."
  type        = bool
  default     = true
}

variable "lambda_function_arns" {
  description = "Functions that the zone's gateway may invoke, with their qualifiers."
  type        = list(string)
  default     = []
}

variable "etcd_endpoints" {
  description = "Members of an etcd cluster that keeps the zone's records; empty = SQLite on EFS."
  type        = list(string)
  default     = []
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 30
}

variable "kms_key_id" {
  description = "Key for the zone's token, its disk and its logs; null = AWS's own."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags on everything."
  type        = map(string)
  default     = {}
}
