locals {
  name      = "skerry-${var.zone_name}"
  count     = var.create ? 1 : 0
  namespace = var.namespace
  # Of the chart.
  service_account = "skerry"
  image           = regex("^(.*):([^:/]+)$", var.image)
  ports           = { xds = 5678, ingress = 10001 }
}

# --- The zone at global, and its token ----------------------------------------------------------------------------------------------

resource "skerry_zone" "this" {
  count = local.count

  name = var.zone_name
}

# Asked for when the zone is there, not when its name is known.
ephemeral "skerry_zone_token" "this" {
  count = local.count

  zone      = skerry_zone.this[0].id
  valid_for = var.zone_token_valid_for
}

resource "kubernetes_namespace_v1" "this" {
  count = local.count

  metadata {
    name   = local.namespace
    labels = { "app.kubernetes.io/part-of" = "skerry" }
  }
}

resource "kubernetes_secret_v1" "zone_token" {
  count = local.count

  metadata {
    name      = "zone-token"
    namespace = kubernetes_namespace_v1.this[0].metadata[0].name
  }

  type             = "Opaque"
  data_wo          = { token = ephemeral.skerry_zone_token.this[0].token }
  data_wo_revision = var.zone_token_version
}

data "aws_region" "current" {}

# --- The zone: control plane, gateways, and what watches the cluster ----------------------------------------------------------------

resource "helm_release" "this" {
  count = local.count

  name      = "skerry"
  namespace = kubernetes_namespace_v1.this[0].metadata[0].name
  chart     = coalesce(var.chart, "${path.module}/../../../deploy/helm/skerry")
  timeout   = 600
  wait      = true

  values = [yamlencode({
    mode         = "zone"
    nameOverride = "skerry"
    image        = { repository = local.image[0], tag = local.image[1] }
    zone = {
      name = var.zone_name
      global = {
        url         = var.global_address
        tokenSecret = { name = kubernetes_secret_v1.zone_token[0].metadata[0].name, key = "token" }
      }
    }
    store       = { etcd = { endpoints = var.etcd_endpoints, prefix = "/skerry/${var.zone_name}" } }
    persistence = { enabled = true, size = var.storage.size, storageClass = var.storage.class == null ? "" : var.storage.class }
    resources   = var.resources
    # A new token is a new pod.
    podAnnotations = { "skerry.io/zone-token-version" = tostring(var.zone_token_version) }
    podLabels      = {}
    serviceAccount = { create = true, name = local.service_account, annotations = {}, labels = {} }
    discovery      = { enabled = true, mesh = var.mesh }
    injection      = { enabled = var.inject, mesh = var.mesh, image = var.image }
    zoneGateway = {
      enabled  = true
      replicas = var.gateway_count
      mesh     = var.mesh
      port     = local.ports.ingress
      address  = var.gateway_internal ? "" : aws_eip.gateway[0].public_ip
      service = {
        type        = var.gateway_internal ? "ClusterIP" : "LoadBalancer"
        port        = local.ports.ingress
        annotations = local.gateway_annotations
      }
    }
  })]

  # The zone is deleted when its control plane has ended, and not before.
  depends_on = [skerry_zone.this, aws_eks_pod_identity_association.this]
}

# Other zones connect to an address, not to a name. Zones in connected networks reach the pods themselves, which have addresses of the VPC.
resource "aws_eip" "gateway" {
  count = var.create && !var.gateway_internal ? 1 : 0

  domain = "vpc"
  tags   = merge({ "skerry.io/zone" = var.zone_name, Name = local.name }, var.tags)
}

locals {
  # Of the AWS Load Balancer Controller.
  gateway_annotations = var.gateway_internal ? {} : {
    "service.beta.kubernetes.io/aws-load-balancer-type"            = "external"
    "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type" = "ip"
    "service.beta.kubernetes.io/aws-load-balancer-scheme"          = "internet-facing"
    "service.beta.kubernetes.io/aws-load-balancer-subnets"         = var.gateway_subnet_id
    "service.beta.kubernetes.io/aws-load-balancer-eip-allocations" = one(aws_eip.gateway[*].allocation_id)
    "service.beta.kubernetes.io/aws-load-balancer-attributes"      = "load_balancing.cross_zone.enabled=true"
    "service.beta.kubernetes.io/load-balancer-source-ranges"       = join(",", var.gateway_cidr_blocks)
    "service.beta.kubernetes.io/aws-load-balancer-additional-resource-tags" = join(",", [
      for name, value in merge({ "skerry.io/zone" = var.zone_name }, var.tags) : "${name}=${value}"
    ])
  }
}

resource "skerry_discovery_source" "this" {
  for_each = var.create ? var.discovery : []

  mesh = var.mesh
  name = "${var.zone_name}-${lower(each.key)}"
  spec = {
    type        = each.key
    zones       = [var.zone_name]
    aws         = { regions = [data.aws_region.current.region] }
    credentials = { type = "Ambient" }
    include     = [{ match_labels = { "skerry.io/mesh" = var.mesh } }]
  }

  depends_on = [skerry_zone.this]
}

# --- As whom it asks AWS --------------------------------------------------------------------------------------------------------------

module "discovery" {
  source = "../aws-discovery"

  sources = var.discovery
  regions = [data.aws_region.current.region]
}

resource "aws_iam_role" "this" {
  count = local.count

  name_prefix = "skerry-zone-"
  description = "Control plane and gateways of zone ${var.zone_name}"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Principal = { Service = "pods.eks.amazonaws.com" }
    }]
  })
  tags = merge({ "skerry.io/zone" = var.zone_name }, var.tags)
}

resource "aws_iam_role_policy" "discovery" {
  count = var.create && length(var.discovery) > 0 ? 1 : 0

  name   = "discovery"
  role   = aws_iam_role.this[0].id
  policy = module.discovery.policy
}

resource "aws_iam_role_policy" "invoke" {
  count = var.create && length(var.lambda_function_arns) > 0 ? 1 : 0

  name = "invoke"
  role = aws_iam_role.this[0].id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "Invoke", Effect = "Allow", Action = ["lambda:InvokeFunction"], Resource = var.lambda_function_arns }]
  })
}

resource "aws_eks_pod_identity_association" "this" {
  count = local.count

  cluster_name    = var.cluster_name
  namespace       = kubernetes_namespace_v1.this[0].metadata[0].name
  service_account = local.service_account
  role_arn        = aws_iam_role.this[0].arn
  tags            = merge({ "skerry.io/zone" = var.zone_name }, var.tags)
}
