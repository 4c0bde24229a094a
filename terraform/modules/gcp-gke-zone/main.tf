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
    serviceAccount = { create = true, name = local.service_account, annotations = { "iam.gke.io/gcp-service-account" = google_service_account.this[0].email }, labels = {} }
    discovery      = { enabled = true, mesh = var.mesh }
    injection      = { enabled = var.inject, mesh = var.mesh, image = var.image }
    zoneGateway = {
      enabled  = true
      replicas = var.gateway_count
      mesh     = var.mesh
      port     = local.ports.ingress
      address  = google_compute_address.gateway[0].address
      service = {
        type        = "LoadBalancer"
        port        = local.ports.ingress
        annotations = local.gateway_annotations
      }
    }
  })]

  # The zone is deleted when its control plane has ended, and not before.
  depends_on = [skerry_zone.this, google_service_account_iam_member.this, google_project_iam_member.discovery]
}

locals {
  gateway_annotations = merge(
    {
      "networking.gke.io/load-balancer-ip-addresses"           = one(google_compute_address.gateway[*].name)
      "service.beta.kubernetes.io/load-balancer-source-ranges" = join(",", var.gateway_cidr_blocks)
    },
    var.gateway_internal ? { "networking.gke.io/load-balancer-type" = "Internal" } : { "cloud.google.com/l4-rbs" = "enabled" },
  )
}

# The gateway's address is known before it is there: it is what the gateway tells other zones.
resource "google_compute_address" "gateway" {
  count = local.count

  project      = var.project
  region       = var.region
  name         = local.name
  description  = "Gateway of zone ${var.zone_name}"
  address_type = var.gateway_internal ? "INTERNAL" : "EXTERNAL"
  subnetwork   = var.gateway_internal ? var.subnetwork : null
  labels       = var.labels
}

resource "skerry_discovery_source" "this" {
  for_each = var.create ? var.discovery : []

  mesh = var.mesh
  name = "${var.zone_name}-${lower(each.key)}"
  spec = {
    type        = each.key
    zones       = [var.zone_name]
    gcp         = { projects = [var.project] }
    credentials = { type = "Ambient" }
    include     = [{ match_labels = { "skerry-mesh" = var.mesh } }]
  }

  depends_on = [skerry_zone.this]
}

# --- As whom it asks Google -----------------------------------------------------------------------------------------------------------

resource "google_service_account" "this" {
  count = local.count

  project      = var.project
  account_id   = trimsuffix(substr(local.name, 0, 30), "-")
  display_name = "Zone ${var.zone_name} of Skerry"
}

resource "google_service_account_iam_member" "this" {
  count = local.count

  service_account_id = google_service_account.this[0].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "serviceAccount:${var.project}.svc.id.goog[${local.namespace}/${local.service_account}]"
}

locals {
  # What each adapter calls, and nothing else.
  permissions = {
    GKE = ["container.clusters.get", "container.clusters.list"]
    GCE = ["compute.instances.get", "compute.instances.list"]
  }
}

resource "google_project_iam_custom_role" "discovery" {
  count = var.create && length(var.discovery) > 0 ? 1 : 0

  project     = var.project
  role_id     = replace("${local.name}-discovery", "-", "_")
  title       = "Discovery of zone ${var.zone_name}"
  description = "What the zone reads to find workloads"
  permissions = sort(distinct(flatten([for source in var.discovery : local.permissions[source]])))
}

resource "google_project_iam_member" "discovery" {
  count = var.create && length(var.discovery) > 0 ? 1 : 0

  project = var.project
  role    = google_project_iam_custom_role.discovery[0].id
  member  = "serviceAccount:${google_service_account.this[0].email}"
}
