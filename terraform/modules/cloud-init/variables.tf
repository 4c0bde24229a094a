variable "units" {
  description = "Programs to run, each as the systemd unit skerry-NAME. `secrets`: file in /run/skerry-NAME → shell command that prints what goes in, asked anew at each start and twice a day. `prepare`: shell commands that run before it, as root. `after`: names of units that must have started."
  type = map(object({
    description = string
    command     = list(string)
    secrets     = optional(map(string), {})
    prepare     = optional(list(string), [])
    after       = optional(list(string), [])
    stop_within = optional(number, 30)
  }))

  validation {
    condition     = alltrue([for name in keys(var.units) : can(regex("^[a-z][a-z0-9-]{0,40}$", name))])
    error_message = "units: names are small letters, digits and dashes."
  }
  validation {
    condition     = alltrue([for unit in var.units : length(unit.command) > 0])
    error_message = "units: each needs a command, as [\"proxy\", \"run\", …]."
  }
}

variable "install" {
  description = "Archive (tar.gz) with the program, unpacked to /opt/skerry so that /opt/skerry/bin/skerry is there, and its SHA-256. null: the image has it already."
  type = object({
    url    = string
    sha256 = string
  })
  default = null

  validation {
    condition     = var.install == null || can(regex("^https://", var.install.url))
    error_message = "install.url: must begin with https://."
  }
  validation {
    condition     = var.install == null || can(regex("^[0-9a-f]{64}$", var.install.sha256))
    error_message = "install.sha256: must be 64 hexadecimal digits, as sha256sum prints them."
  }
}

variable "data_device" {
  description = "Block device that is mounted at /var/lib/skerry, and formatted where it has no file system. null: the root disk."
  type        = string
  default     = null

  validation {
    condition     = var.data_device == null || can(regex("^/dev/[a-zA-Z0-9/_-]+$", var.data_device))
    error_message = "data_device: must be a path under /dev."
  }
}

variable "files" {
  description = "Further files: path → content. Everything here stands in the machine's metadata in the clear: no secrets."
  type        = map(string)
  default     = {}
}

variable "packages" {
  description = "Packages of the distribution that are installed first."
  type        = list(string)
  default     = []
}

variable "commands" {
  description = "Shell commands that run at first boot, before the units start: where the application is set up."
  type        = list(string)
  default     = []
}
