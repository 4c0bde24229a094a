variable "global_address" {
  description = "Where zones reach the global control plane."
  type        = string
  default     = "https://global.example.org:5685"
}

variable "image" {
  description = "Container image with `skerry` on its PATH."
  type        = string
  default     = "registry.example.org/skerry:0.1.0"
}

variable "program" {
  description = "Archive with the program, for machines."
  type        = object({ url = string, sha256 = string })
  default = {
    url    = "https://downloads.example.org/skerry.tar.gz"
    sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
  }
}

variable "ssh_public_key" {
  description = "For the machines in Azure."
  type        = string
  default     = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample shop"
}
