variable "sources" {
  description = "What the zone's control plane looks for in this account: types of DiscoverySource."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.sources, ["ECS", "Lambda", "EC2", "EKS", "CloudMap"])) == 0
    error_message = "sources: ECS, Lambda, EC2, EKS and CloudMap are known."
  }
}

variable "regions" {
  description = "Regions in which it looks; nothing may be read elsewhere."
  type        = list(string)

  validation {
    condition     = length(var.regions) > 0
    error_message = "regions: name at least one, as eu-central-1."
  }
}
