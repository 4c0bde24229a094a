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

variable "namespace" {
  description = "The namespace that is made for it."
  type        = string
  default     = "skerry-global"
}

variable "chart" {
  description = "The Helm chart: a folder or an OCI address; null = the one in this repository."
  type        = string
  default     = null
}

variable "replicas" {
  description = "How many run; more than one need etcd."
  type        = number
  default     = 1
}

variable "etcd_endpoints" {
  description = "Members of an etcd cluster; empty = SQLite in a volume."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.etcd_endpoints) > 0 || var.replicas == 1
    error_message = "etcd_endpoints: several replicas need etcd; SQLite is for one."
  }
}

variable "storage" {
  description = "Size and class of the volume."
  type        = object({ size = optional(string, "10Gi"), class = optional(string) })
  default     = {}
}

variable "service_type" {
  description = "Of the services for zones and for people: LoadBalancer, NodePort or ClusterIP."
  type        = string
  default     = "LoadBalancer"

  validation {
    condition     = contains(["LoadBalancer", "NodePort", "ClusterIP"], var.service_type)
    error_message = "service_type: LoadBalancer, NodePort or ClusterIP."
  }
}

variable "service_annotations" {
  description = "Annotations of those services: for the cloud's load balancer."
  type        = map(string)
  default     = {}
}

variable "resources" {
  description = "Requests and limits of the container."
  type        = any
  default     = { requests = { cpu = "250m", memory = "512Mi" } }
}
