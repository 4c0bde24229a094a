variable "api_names" {
  description = "Names under which people and programs reach the API, beside its address."
  type        = list(string)
  default     = []
}

variable "admin_token_command" {
  description = "Shell command that prints the admin's token out of a secret store, as root; null: the control plane makes one and keeps it in /var/lib/skerry/global/admin.token."
  type        = string
  default     = null
}

variable "data_device" {
  description = "Block device for the records, formatted where it has no file system; null: the root disk."
  type        = string
  default     = null
}

variable "etcd_endpoints" {
  description = "Members of an etcd cluster, for control planes that are several; empty = SQLite on the disk."
  type        = list(string)
  default     = []
}

variable "packages" {
  description = "Packages of the distribution that are installed first."
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
