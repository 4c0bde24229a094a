terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.25, < 8"
    }
    skerry = {
      source  = "skerry/skerry"
      version = ">= 0.1, < 2"
    }
  }
}
