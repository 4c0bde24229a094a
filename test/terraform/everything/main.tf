# Every module once, with all that it can do turned on: what tests look into.

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
    azurerm = {
      source = "hashicorp/azurerm"
    }
    google = {
      source = "hashicorp/google"
    }
    helm = {
      source = "hashicorp/helm"
    }
    kubernetes = {
      source = "hashicorp/kubernetes"
    }
    skerry = {
      source = "skerry/skerry"
    }
  }
}

variable "admin_token" {
  type      = string
  ephemeral = true
}

locals {
  global  = "https://global.example:5685"
  image   = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/skerry:0.1.0"
  program = { url = "https://downloads.example/skerry.tar.gz", sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" }
  ports   = [{ port = 8080, inbound = 15006 }, { name = "admin", port = 9000, protocol = "tcp", inbound = 15007 }]
  tags    = { team = "shop" }
}

module "mesh" {
  source = "../modules/mesh-baseline"

  name  = "everything"
  allow = { orders = ["spiffe://everything.*"] }
}

module "failover" {
  source = "../modules/cross-cloud-failover"

  mesh               = module.mesh.mesh
  services           = { orders = ["aws-1", "gcp-1"] }
  only_named_zones   = false
  failover_threshold = "70"
}

module "ecs_zone" {
  source = "../modules/aws-ecs-zone"

  zone_name                = "ecs"
  global_address           = local.global
  mesh                     = module.mesh.mesh
  image                    = local.image
  vpc_id                   = "vpc-1"
  subnet_ids               = ["subnet-a", "subnet-b"]
  gateway_subnet_ids       = ["subnet-c", "subnet-d"]
  workload_cidr_blocks     = ["10.0.0.0/16"]
  proxy_cidr_blocks        = ["10.0.0.0/16"]
  proxy_security_group_ids = { orders = module.ecs_workload.security_group_id }
  discovery                = ["ECS", "Lambda", "EC2", "EKS", "CloudMap"]
  lambda_function_arns     = [module.lambda.function_arn]
  tags                     = local.tags
}

module "ecs_workload" {
  source = "../modules/aws-ecs-workload"

  name                      = "orders"
  zone_name                 = "aws-1"
  xds_address               = module.ecs_zone.xds_address
  caller_security_group_ids = { zone-gateway = module.ecs_zone.gateway_origin }
  container_definitions = [
    { name = "app", image = local.image, essential = true, portMappings = [{ containerPort = 8080 }] },
    { name = "init", image = "registry.example/init:1", essential = false },
  ]
  ports           = local.ports
  health          = "http:/healthz"
  outbounds       = { "9001" = "payments" }
  http_proxy_port = 15080
  proxy_image     = local.image
  cluster_arn     = module.ecs_zone.cluster_arn
  vpc_id          = "vpc-1"
  subnet_ids      = ["subnet-a"]
  tags            = local.tags
}

module "lambda" {
  source = "../modules/aws-lambda-workload"

  name             = "checkout"
  zone_name        = "ecs"
  gateway_role_arn = module.ecs_zone.gateway_identity
  package          = { s3_bucket = "code", s3_key = "checkout.zip" }
  environment      = { STAGE = "test" }
  tags             = local.tags
}

module "ec2_zone" {
  source = "../modules/aws-ec2-zone"

  zone_name            = "ec2"
  global_address       = local.global
  mesh                 = module.mesh.mesh
  install              = local.program
  vpc_id               = "vpc-1"
  subnet_id            = "subnet-a"
  workload_cidr_blocks = ["10.0.0.0/16"]
  discovery            = ["ECS", "Lambda", "EC2", "EKS", "CloudMap"]
  lambda_function_arns = ["arn:aws:lambda:eu-central-1:123456789012:function:checkout:live"]
  tags                 = local.tags
}

module "ec2_workload" {
  source = "../modules/aws-ec2-workload"

  name                      = "legacy"
  zone_name                 = "aws-1"
  xds_address               = module.ec2_zone.xds_address
  caller_security_group_ids = { zone-gateway = module.ec2_zone.gateway_origin }
  install                   = local.program
  vpc_id                    = "vpc-1"
  subnet_ids                = ["subnet-a"]
  ports                     = local.ports
  outbounds                 = { "9001" = "payments" }
  http_proxy_port           = 15080
  packages                  = ["nginx"]
  setup                     = ["systemctl enable --now nginx"]
  tags                      = local.tags
}

module "eks_zone" {
  source = "../modules/aws-eks-zone"

  zone_name            = "eks"
  global_address       = local.global
  mesh                 = module.mesh.mesh
  cluster_name         = "shop"
  image                = local.image
  pod_cidr_block       = "10.1.0.0/16"
  gateway_subnet_id    = "subnet-c"
  discovery            = ["ECS", "Lambda", "EC2", "EKS", "CloudMap"]
  lambda_function_arns = ["arn:aws:lambda:eu-central-1:123456789012:function:checkout:live"]
  tags                 = local.tags
}

module "aks_zone" {
  source = "../modules/azure-aks-zone"

  zone_name                  = "aks"
  global_address             = local.global
  mesh                       = module.mesh.mesh
  image                      = local.image
  resource_group_name        = "shop"
  node_resource_group_name   = "MC_shop"
  location                   = "westeurope"
  oidc_issuer_url            = "https://oidc.example/issuer"
  pod_cidr_block             = "10.2.0.0/16"
  etcd_endpoints             = ["https://etcd-1.example:2379"]
  discovery                  = ["AKS", "AzureVM"]
  discovery_subscription_ids = ["00000000-0000-0000-0000-000000000001"]
  tags                       = local.tags
}

module "azure_workload" {
  source = "../modules/azure-vm-workload"

  name                    = "ledger"
  zone_name               = "azure-1"
  xds_address             = "zone.example:5678"
  install                 = local.program
  ports                   = local.ports
  caller_address_prefixes = [module.aks_zone.gateway_origin]
  resource_group_name     = "shop"
  location                = "westeurope"
  subnet_id               = "subnet"
  key_vault_id            = "vault"
  key_vault_uri           = "https://shop.vault.azure.net/"
  ssh_public_key          = "ssh-ed25519 AAAA"
  tags                    = local.tags
}

module "gke_zone" {
  source = "../modules/gcp-gke-zone"

  zone_name      = "gke"
  global_address = local.global
  mesh           = module.mesh.mesh
  image          = local.image
  project        = "shop"
  region         = "europe-west1"
  pod_cidr_block = "10.3.0.0/16"
  storage        = { size = "20Gi", class = "premium-rwo" }
  discovery      = ["GKE", "GCE"]
  labels         = local.tags
}

module "gcp_workload" {
  source = "../modules/gcp-vm-workload"

  name               = "search"
  zone_name          = "gcp-1"
  xds_address        = "zone.example:5678"
  install            = local.program
  ports              = local.ports
  caller_cidr_blocks = [module.gke_zone.gateway_origin]
  project            = "shop"
  region             = "europe-west1"
  network            = "shop"
  subnetwork         = "machines"
  labels             = local.tags
}

module "global_ecs" {
  source = "../modules/global-cp-aws-ecs"

  image                    = local.image
  admin_token              = var.admin_token
  vpc_id                   = "vpc-1"
  subnet_ids               = ["subnet-a"]
  load_balancer_subnet_ids = ["subnet-c"]
  api_cidr_blocks          = ["10.0.0.0/8"]
  dns                      = { hosted_zone_id = "Z1", name = "mesh.example" }
  tags                     = local.tags
}

module "global_ecs_replicas" {
  source = "../modules/global-cp-aws-ecs"

  name                     = "skerry-replicas"
  image                    = local.image
  admin_token              = var.admin_token
  vpc_id                   = "vpc-1"
  subnet_ids               = ["subnet-a"]
  load_balancer_subnet_ids = ["subnet-c"]
  api_cidr_blocks          = ["10.0.0.0/8"]
  replicas                 = 3
  etcd_endpoints           = ["https://etcd-1.example:2379"]
}

module "global_kubernetes" {
  source = "../modules/global-cp-kubernetes"

  image       = local.image
  admin_token = var.admin_token
  api_names   = ["mesh.example"]
}

module "global_vm" {
  source = "../modules/global-cp-vm"

  install             = local.program
  api_names           = ["mesh.example"]
  admin_token_command = "print-token"
  data_device         = "/dev/sdf"
  etcd_endpoints      = ["https://etcd-1.example:2379"]
}

output "global_user_data" {
  value = module.global_vm.user_data
}

# Each source by itself.
module "discovery" {
  source   = "../modules/aws-discovery"
  for_each = toset(["ECS", "Lambda", "EC2", "EKS", "CloudMap"])

  sources = [each.key]
  regions = ["eu-central-1"]
}

output "actions" {
  value = { for source, module in module.discovery : source => module.actions }
}
