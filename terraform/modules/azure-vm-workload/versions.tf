terraform {
  required_version = ">= 1.11"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 4.55, < 6"
    }
    skerry = {
      source  = "skerry/skerry"
      version = ">= 0.1, < 2"
    }
  }
}
