# payments runs on ECS in AWS and on AKS in Azure. Everybody asks for it in the primary zone, and in the other one when that has none left.

provider "skerry" {}

provider "aws" {
  region = var.aws.region
}

provider "azurerm" {
  subscription_id = var.azure.subscription_id
  features {}
}

provider "kubernetes" {
  config_path    = "~/.kube/config"
  config_context = var.azure.kube_context
}

provider "helm" {
  kubernetes = {
    config_path    = "~/.kube/config"
    config_context = var.azure.kube_context
  }
}

# --- One mesh: who may call whom, and where a service is asked for ------------------------------------------------------------------

module "mesh" {
  source = "../../modules/mesh-baseline"

  name = var.mesh
  allow = {
    payments = [
      "spiffe://${var.mesh}.aws-1.mesh.local/workload/orders",
      "spiffe://${var.mesh}.azure-1.mesh.local/workload/orders",
    ]
  }
}

module "failover" {
  source = "../../modules/cross-cloud-failover"

  mesh = module.mesh.mesh
  services = {
    payments = var.primary == "aws-1" ? ["aws-1", "azure-1"] : ["azure-1", "aws-1"]
  }
}

# --- Two zones ----------------------------------------------------------------------------------------------------------------------

module "aws_1" {
  source = "../../modules/aws-ecs-zone"
  create = var.create_clouds

  zone_name            = "aws-1"
  global_address       = var.global_address
  mesh                 = module.mesh.mesh
  image                = var.image
  vpc_id               = var.aws.vpc_id
  subnet_ids           = var.aws.private_subnets
  gateway_subnet_ids   = var.aws.public_subnets
  workload_cidr_blocks = [var.aws.cidr_block]
  proxy_cidr_blocks    = [var.aws.cidr_block]
  discovery            = ["ECS"]
}

module "azure_1" {
  source = "../../modules/azure-aks-zone"
  create = var.create_clouds

  zone_name                = "azure-1"
  global_address           = var.global_address
  mesh                     = module.mesh.mesh
  image                    = var.image
  resource_group_name      = var.azure.resource_group
  node_resource_group_name = var.azure.node_resource_group
  location                 = var.azure.location
  oidc_issuer_url          = var.azure.oidc_issuer_url
  pod_cidr_block           = var.azure.pod_cidr_block
}

# --- payments, twice ----------------------------------------------------------------------------------------------------------------

module "payments_aws" {
  source = "../../modules/aws-ecs-workload"
  create = var.create_clouds

  name                      = "payments"
  mesh                      = module.mesh.mesh
  zone_name                 = module.aws_1.zone_name
  xds_address               = coalesce(module.aws_1.xds_address, "none")
  caller_security_group_ids = { zone-gateway = module.aws_1.gateway_origin }
  proxy_image               = var.image
  cluster_arn               = coalesce(module.aws_1.cluster_arn, "none")
  vpc_id                    = var.aws.vpc_id
  subnet_ids                = var.aws.private_subnets
  ports                     = [{ port = 8080, inbound = 15006 }]
  health                    = "http:/healthz"
  container_definitions     = [{ name = "payments", image = var.payments_image, essential = true }]
}

resource "kubernetes_namespace_v1" "payments" {
  count = var.create_clouds ? 1 : 0

  metadata {
    name   = "payments"
    labels = { "skerry.io/inject" = "enabled" }
  }

  depends_on = [module.azure_1]
}

resource "kubernetes_deployment_v1" "payments" {
  count = var.create_clouds ? 1 : 0

  metadata {
    name      = "payments"
    namespace = kubernetes_namespace_v1.payments[0].metadata[0].name
  }

  spec {
    replicas = "2"

    selector {
      match_labels = { app = "payments" }
    }

    template {
      metadata {
        labels = { app = "payments" }
      }

      spec {
        container {
          name  = "payments"
          image = var.payments_image

          port {
            name           = "http-main"
            container_port = 8080
          }

          readiness_probe {
            http_get {
              path = "/healthz"
              port = "8080"
            }
          }
        }
      }
    }
  }
}
