variable "mesh" {
  description = "The mesh that is made."
  type        = string
  default     = "shop"
}

variable "primary" {
  description = "The zone that payments is asked for first, from everywhere."
  type        = string
  default     = "aws-1"

  validation {
    condition     = contains(["aws-1", "azure-1"], var.primary)
    error_message = "primary: aws-1 or azure-1."
  }
}

variable "create_clouds" {
  description = "false: zones aws-1 and azure-1 are there already, and so is what runs in them; only the mesh and its policies are made."
  type        = bool
  default     = true
}

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

variable "payments_image" {
  description = "The application, which listens on port 8080."
  type        = string
  default     = "registry.example.org/payments:1.0.0"
}

variable "aws" {
  description = "Network in AWS."
  type = object({
    region          = string
    vpc_id          = string
    cidr_block      = string
    private_subnets = list(string)
    public_subnets  = list(string)
  })
  default = {
    region          = "eu-central-1"
    vpc_id          = "vpc-0shop"
    cidr_block      = "10.0.0.0/16"
    private_subnets = ["subnet-0a", "subnet-0b"]
    public_subnets  = ["subnet-0c", "subnet-0d"]
  }
}

variable "azure" {
  description = "Cluster in Azure."
  type = object({
    subscription_id     = string
    location            = string
    resource_group      = string
    node_resource_group = string
    oidc_issuer_url     = string
    pod_cidr_block      = string
    kube_context        = string
  })
  default = {
    subscription_id     = "00000000-0000-0000-0000-000000000001"
    location            = "westeurope"
    resource_group      = "shop"
    node_resource_group = "MC_shop_shop_westeurope"
    oidc_issuer_url     = "https://westeurope.oic.prod-aks.azure.com/shop/"
    pod_cidr_block      = "10.244.0.0/16"
    kube_context        = "shop"
  }
}
