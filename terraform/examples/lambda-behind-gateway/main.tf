# checkout is a Lambda function. Clients reach it through the API gateway of the mesh, and services by its name, as any other.

provider "aws" {
  region = "eu-central-1"
}

provider "skerry" {}

module "checkout" {
  source = "../../modules/aws-lambda-workload"

  name             = "checkout"
  mesh             = "default"
  zone_name        = "aws-1"
  gateway_role_arn = var.zone_role_arn
  package          = { file = var.package }
  timeout          = 10
}

# The zone finds functions that are tagged for this mesh.
resource "skerry_discovery_source" "functions" {
  mesh = "default"
  name = "aws-1-functions"
  spec = {
    type        = "Lambda"
    zones       = ["aws-1"]
    aws         = { regions = ["eu-central-1"] }
    credentials = { type = "Ambient" }
    include     = [{ match_labels = { "skerry.io/mesh" = "default" } }]
  }
}

resource "skerry_gateway" "edge" {
  mesh = "default"
  name = "edge"
  spec = {
    selector  = { match_labels = { "kuma.io/workload" = "edge" } }
    listeners = [{ port = 8080, protocol = "HTTP" }]
  }
}

resource "skerry_http_route" "checkout" {
  mesh = "default"
  name = "checkout"
  spec = {
    target_ref = { kind = "MeshGateway", labels = { "kuma.io/display-name" = skerry_gateway.edge.name } }
    to = [{
      target_ref = { kind = "Mesh" }
      rules = [{
        matches = [{ path = { type = "PathPrefix", value = "/checkout" } }]
        default = {
          backend_refs = [{ kind = "MeshService", labels = { "kuma.io/display-name" = module.checkout.name, "kuma.io/zone" = "aws-1" } }]
        }
      }]
    }]
  }
}

# A function that starts cold takes a moment, and a function that ran out of time is not called twice.
resource "skerry_timeout" "checkout" {
  mesh = "default"
  name = "checkout"
  spec = {
    to = [{
      target_ref = { kind = "MeshService", labels = { "kuma.io/display-name" = module.checkout.name } }
      default    = { http = { request_timeout = "12s" } }
    }]
  }
}
