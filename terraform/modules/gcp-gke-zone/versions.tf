terraform {
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.50, < 8"
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
