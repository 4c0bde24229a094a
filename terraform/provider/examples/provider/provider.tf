terraform {
  required_providers {
    skerry = {
      source  = "skerry/skerry"
      version = "0.1.0"
    }
  }
}

provider "skerry" {
  endpoint = "https://mesh.example.com:5681"
  # The token comes from SKERRY_TOKEN.
}
