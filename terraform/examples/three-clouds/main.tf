# A zone in each of three clouds: EKS, AKS and GKE, with machines beside the clusters, and catalogue, which runs in all of them.

provider "skerry" {}

provider "aws" {
  region = "eu-central-1"
}

provider "azurerm" {
  subscription_id = "00000000-0000-0000-0000-000000000001"
  features {}
}

provider "google" {
  project = "shop"
  region  = "europe-west1"
}

provider "kubernetes" {
  alias          = "eks"
  config_path    = "~/.kube/config"
  config_context = "eks"
}

provider "kubernetes" {
  alias          = "aks"
  config_path    = "~/.kube/config"
  config_context = "aks"
}

provider "kubernetes" {
  alias          = "gke"
  config_path    = "~/.kube/config"
  config_context = "gke"
}

provider "helm" {
  alias      = "eks"
  kubernetes = { config_path = "~/.kube/config", config_context = "eks" }
}

provider "helm" {
  alias      = "aks"
  kubernetes = { config_path = "~/.kube/config", config_context = "aks" }
}

provider "helm" {
  alias      = "gke"
  kubernetes = { config_path = "~/.kube/config", config_context = "gke" }
}

module "mesh" {
  source = "../../modules/mesh-baseline"

  name = "shop"
  # Web servers of any zone ask for the catalogue.
  allow = { catalogue = [for zone in ["aws-1", "azure-1", "gcp-1"] : "spiffe://shop.${zone}.mesh.local/workload/web"] }
}

module "failover" {
  source = "../../modules/cross-cloud-failover"

  mesh     = module.mesh.mesh
  services = { catalogue = ["gcp-1", "aws-1", "azure-1"] }
  # Before the last instance of a zone is gone.
  failover_threshold = "70"
}

module "aws_1" {
  source    = "../../modules/aws-eks-zone"
  providers = { kubernetes = kubernetes.eks, helm = helm.eks, aws = aws, skerry = skerry }

  zone_name         = "aws-1"
  global_address    = var.global_address
  mesh              = module.mesh.mesh
  image             = var.image
  cluster_name      = "shop"
  gateway_subnet_id = "subnet-0c"
  pod_cidr_block    = "10.0.0.0/16"
  discovery         = ["EC2", "Lambda"]
}

module "azure_1" {
  source    = "../../modules/azure-aks-zone"
  providers = { kubernetes = kubernetes.aks, helm = helm.aks, azurerm = azurerm, skerry = skerry }

  zone_name                  = "azure-1"
  global_address             = var.global_address
  mesh                       = module.mesh.mesh
  image                      = var.image
  resource_group_name        = "shop"
  node_resource_group_name   = "MC_shop_shop_westeurope"
  location                   = "westeurope"
  oidc_issuer_url            = "https://westeurope.oic.prod-aks.azure.com/shop/"
  pod_cidr_block             = "10.244.0.0/16"
  discovery                  = ["AzureVM"]
  discovery_subscription_ids = ["00000000-0000-0000-0000-000000000001"]
}

module "gcp_1" {
  source    = "../../modules/gcp-gke-zone"
  providers = { kubernetes = kubernetes.gke, helm = helm.gke, google = google, skerry = skerry }

  zone_name      = "gcp-1"
  global_address = var.global_address
  mesh           = module.mesh.mesh
  image          = var.image
  project        = "shop"
  region         = "europe-west1"
  pod_cidr_block = "10.8.0.0/14"
  discovery      = ["GCE"]
}

# Pods reach a Service of the cluster; machines need an address of it in their network. `xds_address` is for pods.
locals {
  xds = {
    azure-1 = "skerry.azure-1.shop.internal:5678"
    gcp-1   = "skerry.gcp-1.shop.internal:5678"
    aws-1   = "skerry.aws-1.shop.internal:5678"
  }
}

module "catalogue_aws" {
  source = "../../modules/aws-ec2-workload"

  name        = "catalogue"
  mesh        = module.mesh.mesh
  zone_name   = module.aws_1.zone_name
  xds_address = local.xds["aws-1"]
  install     = var.program
  vpc_id      = "vpc-0shop"
  subnet_ids  = ["subnet-0a", "subnet-0b"]
  ports       = [{ port = 8080, inbound = 15006 }]
  setup       = ["systemctl enable --now catalogue"]
}

module "catalogue_azure" {
  source = "../../modules/azure-vm-workload"

  name                    = "catalogue"
  mesh                    = module.mesh.mesh
  zone_name               = module.azure_1.zone_name
  xds_address             = local.xds["azure-1"]
  install                 = var.program
  resource_group_name     = "shop"
  location                = "westeurope"
  subnet_id               = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop/providers/Microsoft.Network/virtualNetworks/shop/subnets/machines"
  key_vault_id            = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop/providers/Microsoft.KeyVault/vaults/shop"
  key_vault_uri           = "https://shop.vault.azure.net/"
  ssh_public_key          = var.ssh_public_key
  caller_address_prefixes = [module.azure_1.gateway_origin]
  ports                   = [{ port = 8080, inbound = 15006 }]
  setup                   = ["systemctl enable --now catalogue"]
}

module "catalogue_gcp" {
  source = "../../modules/gcp-vm-workload"

  name               = "catalogue"
  mesh               = module.mesh.mesh
  zone_name          = module.gcp_1.zone_name
  xds_address        = local.xds["gcp-1"]
  install            = var.program
  project            = "shop"
  region             = "europe-west1"
  network            = "shop"
  subnetwork         = "machines"
  caller_cidr_blocks = [module.gcp_1.gateway_origin]
  ports              = [{ port = 8080, inbound = 15006 }]
  setup              = ["systemctl enable --now catalogue"]
}
