terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.25, < 8"
    }
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 4.55, < 6"
    }
    helm = {
      source  = "hashicorp/helm"
      version = ">= 3, < 4"
    }
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = ">= 2.38, < 4"
    }
    skerry = {
      source  = "skerry/skerry"
      version = ">= 0.1, < 2"
    }
  }
}
