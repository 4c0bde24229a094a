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

variable "cluster_name" {
  description = "The EKS cluster, with the Pod Identity agent and the AWS Load Balancer Controller."
  type        = string
}

variable "image" {
  description = "Container image with `skerry` on its PATH, as REPOSITORY:TAG."
  type        = string

  validation {
    condition     = can(regex("^[^:@]+(:[0-9]+/[^:@]+)?:[^:@/]+$", var.image))
    error_message = "image: REPOSITORY:TAG."
  }
}

variable "namespace" {
  description = "The namespace that is made for it."
  type        = string
  default     = "skerry"
}

variable "chart" {
  description = "The Helm chart: a folder or an OCI address; null = the one in this repository."
  type        = string
  default     = null
}

variable "gateway_count" {
  description = "How many zone gateways run."
  type        = number
  default     = 2

  validation {
    condition     = var.gateway_count >= 1 && floor(var.gateway_count) == var.gateway_count
    error_message = "gateway_count: a whole number, at least 1."
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

variable "gateway_internal" {
  description = "true: the zone gateway is reached from connected networks only, by the addresses of its pods."
  type        = bool
  default     = false
}

variable "gateway_subnet_id" {
  description = "Public subnet in which the gateway's load balancer has its address; null with gateway_internal."
  type        = string
  default     = null

  validation {
    condition     = var.gateway_internal || var.gateway_subnet_id != null
    error_message = "gateway_subnet_id: must be named, unless the gateway is internal."
  }
}

variable "pod_cidr_block" {
  description = "Network of the cluster's pods: from there the gateway calls workloads outside of the cluster."
  type        = string

  validation {
    condition     = can(cidrhost(var.pod_cidr_block, 0))
    error_message = "pod_cidr_block: must be a CIDR block."
  }
}

variable "storage" {
  description = "Size and class of the volume with the zone's records."
  type        = object({ size = optional(string, "10Gi"), class = optional(string) })
  default     = {}
}

variable "etcd_endpoints" {
  description = "Members of an etcd cluster that keeps the zone's records; empty = SQLite in a volume."
  type        = list(string)
  default     = []
}

variable "inject" {
  description = "true: pods of namespaces that ask for it get a proxy beside them."
  type        = bool
  default     = true
}

variable "resources" {
  description = "Requests and limits of the control plane's container."
  type        = any
  default     = { requests = { cpu = "250m", memory = "512Mi" } }
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
  description = "A higher number makes a new token. `tonumber(formatdate(\"YYYYMM\", plantimestamp()))` does so with the first apply of a month."
  type        = number
  default     = 1
}

variable "discovery" {
  description = "What the zone looks for in this account and region beside its own cluster: types of DiscoverySource (ECS, Lambda, EC2, EKS, CloudMap). Only what is tagged `skerry.io/mesh` with the mesh's name is taken in; of CloudMap, instances with such an attribute."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.discovery, ["ECS", "Lambda", "EC2", "EKS", "CloudMap"])) == 0
    error_message = "discovery: ECS, Lambda, EC2, EKS and CloudMap are known."
  }
}

variable "lambda_function_arns" {
  description = "Functions that the zone's gateway may invoke, with their qualifiers."
  type        = list(string)
  default     = []
}

variable "tags" {
  description = "Tags on everything."
  type        = map(string)
  default     = {}
}
