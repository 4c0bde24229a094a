terraform {
  required_version = ">= 1.11"

  required_providers {
    skerry = {
      source  = "skerry/skerry"
      version = ">= 0.1, < 2"
    }
  }
}
