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
    condition     = alltrue([for port in var.ports : contains(["http", "tcp"], port.protocol)])
    error_message = "ports: protocol is http or tcp."
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

variable "setup" {
  description = "Shell commands that set up and start the application at first boot."
  type        = list(string)
  default     = []
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
  description = "The network."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets for the machines."
  type        = list(string)
}

variable "size" {
  description = "How many machines run."
  type        = number
  default     = 2

  validation {
    condition     = var.size >= 0
    error_message = "size: not less than 0."
  }
}

variable "instance_type" {
  description = "Size of a machine."
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

variable "packages" {
  description = "Packages of the distribution that the application needs."
  type        = list(string)
  default     = []
}

variable "token_valid_for" {
  description = "How long the workload's token is accepted for new connections."
  type        = string
  default     = "2160h"
}

variable "token_version" {
  description = "A higher number makes a new token; machines fetch it within half a day."
  type        = number
  default     = 1
}

variable "tags" {
  description = "Tags on everything."
  type        = map(string)
  default     = {}
}
