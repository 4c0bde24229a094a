variable "create" {
  description = "false makes nothing."
  type        = bool
  default     = true
}

variable "name" {
  description = "The workload, and so the service's name in the mesh."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", var.name))
    error_message = "name: small letters, digits and dashes, at most 40: machines are called by it."
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

variable "caller_cidr_blocks" {
  description = "Networks from which this workload is called: those of its callers in this network, and of the zone's gateway."
  type        = list(string)

  validation {
    condition     = alltrue([for block in var.caller_cidr_blocks : can(cidrhost(block, 0))])
    error_message = "caller_cidr_blocks: must be CIDR blocks."
  }
}

variable "project" {
  description = "The project."
  type        = string
}

variable "region" {
  description = "The region, as europe-west1."
  type        = string
}

variable "network" {
  description = "The VPC network."
  type        = string
}

variable "subnetwork" {
  description = "Subnet for the machines."
  type        = string
}

variable "size" {
  description = "How many machines run."
  type        = number
  default     = 2
}

variable "machine_type" {
  description = "Size of a machine."
  type        = string
  default     = "e2-small"
}

variable "image" {
  description = "Image with cloud-init, systemd and curl."
  type        = string
  default     = "projects/ubuntu-os-cloud/global/images/family/ubuntu-2404-lts-amd64"
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

variable "labels" {
  description = "Labels on everything."
  type        = map(string)
  default     = {}
}
