locals {
  count = var.create ? 1 : 0
  image = regex("^(.*):([^:/]+)$", var.image)
  ports = { api = 5681, sync = 5685 }
}

resource "kubernetes_namespace_v1" "this" {
  count = local.count

  metadata {
    name   = var.namespace
    labels = { "app.kubernetes.io/part-of" = "skerry" }
  }
}

resource "kubernetes_secret_v1" "admin_token" {
  count = local.count

  metadata {
    name      = "admin-token"
    namespace = kubernetes_namespace_v1.this[0].metadata[0].name
  }

  type             = "Opaque"
  data_wo          = { token = var.admin_token }
  data_wo_revision = var.admin_token_version
}

resource "helm_release" "this" {
  count = local.count

  name      = var.name
  namespace = kubernetes_namespace_v1.this[0].metadata[0].name
  chart     = coalesce(var.chart, "${path.module}/../../../deploy/helm/skerry")
  timeout   = 600
  wait      = true

  values = [yamlencode({
    mode           = "global"
    nameOverride   = var.name
    image          = { repository = local.image[0], tag = local.image[1] }
    replicas       = var.replicas
    adminToken     = { secret = { name = kubernetes_secret_v1.admin_token[0].metadata[0].name, key = "token" } }
    store          = { etcd = { endpoints = var.etcd_endpoints, prefix = "/skerry/${var.name}" } }
    persistence    = { enabled = length(var.etcd_endpoints) == 0, size = var.storage.size, storageClass = var.storage.class == null ? "" : var.storage.class }
    api            = { port = local.ports.api, names = var.api_names, service = { type = var.service_type, annotations = var.service_annotations } }
    xds            = { port = local.ports.sync, service = { type = var.service_type, annotations = var.service_annotations } }
    resources      = var.resources
    podAnnotations = { "skerry.io/admin-token-version" = tostring(var.admin_token_version) }
  })]
}
