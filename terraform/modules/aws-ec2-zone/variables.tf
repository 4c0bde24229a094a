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

variable "install" {
  description = "Archive (tar.gz) with the program and its SHA-256; null: the image has it at /opt/skerry."
  type = object({
    url    = string
    sha256 = string
  })
  default = null
}

variable "vpc_id" {
  description = "The network of the zone."
  type        = string
}

variable "subnet_id" {
  description = "Where the machine runs: a public subnet where zones meet over the internet, else any that reaches global."
  type        = string
}

variable "gateway_internal" {
  description = "true: the machine has no public address, and the zone gateway is reached from connected networks only."
  type        = bool
  default     = false
}

variable "gateway_cidr_blocks" {
  description = "From where other zones reach the zone gateway. It lets in nobody who does not show a certificate of the mesh; fewer is still better."
  type        = set(string)
  default     = ["0.0.0.0/0"]

  validation {
    condition     = alltrue([for block in var.gateway_cidr_blocks : can(cidrhost(block, 0))])
    error_message = "gateway_cidr_blocks: must be CIDR blocks."
  }
}

variable "proxy_security_group_ids" {
  description = "Security groups whose members may join the zone: who it is → group."
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
    error_message = "workload_cidr_blocks: must be CIDR blocks."
  }
}

variable "instance_type" {
  description = "Size of the machine."
  type        = string
  default     = "t4g.small"
}

variable "architecture" {
  description = "arm64 or x86_64, as the instance type is."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture: arm64 or x86_64."
  }
}

variable "ami_id" {
  description = "Image with cloud-init, systemd and the AWS CLI; null = the newest Amazon Linux 2023."
  type        = string
  default     = null
}

variable "data_gib" {
  description = "Size of the disk with the zone's records, in GiB."
  type        = number
  default     = 10

  validation {
    condition     = var.data_gib >= 1
    error_message = "data_gib: at least 1."
  }
}

variable "kms_key_id" {
  description = "Key for the zone's token and its disk; null = AWS's own."
  type        = string
  default     = null
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
  description = "What the zone looks for in this account and region: types of DiscoverySource (ECS, Lambda, EC2, EKS, CloudMap). Only what is tagged `skerry.io/mesh` with the mesh's name is taken in; of CloudMap, instances with such an attribute."
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
