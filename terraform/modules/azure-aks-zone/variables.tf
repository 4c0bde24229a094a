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

variable "resource_group_name" {
  description = "Resource group of the zone's identity."
  type        = string
}

variable "location" {
  description = "The region, as westeurope."
  type        = string
}

variable "node_resource_group_name" {
  description = "Resource group of the cluster's nodes, in which its load balancers may use addresses."
  type        = string
}

variable "oidc_issuer_url" {
  description = "Issuer of the cluster's service accounts (`oidc_issuer_url` of azurerm_kubernetes_cluster); the cluster has workload identity."
  type        = string

  validation {
    condition     = can(regex("^https://", var.oidc_issuer_url))
    error_message = "oidc_issuer_url: must be a URL."
  }
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
  description = "true: the zone gateway is reached from connected networks only."
  type        = bool
  default     = false
}

variable "gateway_private_ip" {
  description = "With gateway_internal: a free address of the cluster's network."
  type        = string
  default     = null

  validation {
    condition     = !var.gateway_internal || var.gateway_private_ip != null
    error_message = "gateway_private_ip: must be named where the gateway is internal."
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
  description = "What the zone looks for in this subscription beside its own cluster: types of DiscoverySource (AKS, AzureVM). Only what is tagged `skerry-mesh` with the mesh's name is taken in."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.discovery, ["AKS", "AzureVM"])) == 0
    error_message = "discovery: AKS and AzureVM are known."
  }
}

variable "discovery_subscription_ids" {
  description = "Subscriptions in which it looks."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.discovery) == 0 || length(var.discovery_subscription_ids) > 0
    error_message = "discovery_subscription_ids: name at least one where discovery is asked for."
  }
}

variable "tags" {
  description = "Tags on everything."
  type        = map(string)
  default     = {}
}
