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
    podLabels      = { "azure.workload.identity/use" = "true" }
    serviceAccount = { create = true, name = local.service_account, annotations = { "azure.workload.identity/client-id" = azurerm_user_assigned_identity.this[0].client_id }, labels = {} }
    discovery      = { enabled = true, mesh = var.mesh }
    injection      = { enabled = var.inject, mesh = var.mesh, image = var.image }
    zoneGateway = {
      enabled  = true
      replicas = var.gateway_count
      mesh     = var.mesh
      port     = local.ports.ingress
      address  = local.gateway_address
      service = {
        type        = "LoadBalancer"
        port        = local.ports.ingress
        annotations = local.gateway_annotations
      }
    }
  })]

  # The zone is deleted when its control plane has ended, and not before.
  depends_on = [skerry_zone.this, azurerm_federated_identity_credential.this, azurerm_role_assignment.discovery]
}

locals {
  gateway_address = var.gateway_internal ? var.gateway_private_ip : one(azurerm_public_ip.gateway[*].ip_address)
  gateway_annotations = merge(
    { "service.beta.kubernetes.io/azure-allowed-ip-ranges" = join(",", var.gateway_cidr_blocks) },
    var.gateway_internal ? {
      "service.beta.kubernetes.io/azure-load-balancer-internal" = "true"
      "service.beta.kubernetes.io/azure-load-balancer-ipv4"     = var.gateway_private_ip
      } : {
      "service.beta.kubernetes.io/azure-pip-name"                     = one(azurerm_public_ip.gateway[*].name)
      "service.beta.kubernetes.io/azure-load-balancer-resource-group" = var.node_resource_group_name
    },
  )
}

# The gateway's address is known before it is there: it is what the gateway tells other zones.
resource "azurerm_public_ip" "gateway" {
  count = var.create && !var.gateway_internal ? 1 : 0

  name                = local.name
  resource_group_name = var.node_resource_group_name
  location            = var.location
  allocation_method   = "Static"
  sku                 = "Standard"
  zones               = ["1", "2", "3"]
  tags                = var.tags
}

resource "skerry_discovery_source" "this" {
  for_each = var.create ? var.discovery : []

  mesh = var.mesh
  name = "${var.zone_name}-${lower(each.key)}"
  spec = {
    type        = each.key
    zones       = [var.zone_name]
    azure       = { subscriptions = var.discovery_subscription_ids }
    credentials = { type = "Ambient" }
    include     = [{ match_labels = { "skerry-mesh" = var.mesh } }]
  }

  depends_on = [skerry_zone.this]
}

# --- As whom it asks Azure ------------------------------------------------------------------------------------------------------------

resource "azurerm_user_assigned_identity" "this" {
  count = local.count

  name                = local.name
  resource_group_name = var.resource_group_name
  location            = var.location
  tags                = var.tags
}

resource "azurerm_federated_identity_credential" "this" {
  count = local.count

  name      = local.name
  parent_id = azurerm_user_assigned_identity.this[0].id
  issuer    = var.oidc_issuer_url
  subject   = "system:serviceaccount:${local.namespace}:${local.service_account}"
  audience  = ["api://AzureADTokenExchange"]
}

locals {
  # What each adapter calls, and nothing else.
  actions = {
    AKS = ["Microsoft.ContainerService/managedClusters/read", "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action"]
    AzureVM = [
      "Microsoft.Compute/virtualMachines/read",
      "Microsoft.Compute/virtualMachineScaleSets/read",
      "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/read",
      "Microsoft.Compute/virtualMachineScaleSets/networkInterfaces/read",
      "Microsoft.Network/networkInterfaces/read",
    ]
  }
}

resource "azurerm_role_definition" "discovery" {
  for_each = var.create && length(var.discovery) > 0 ? toset(var.discovery_subscription_ids) : []

  name              = "${local.name}-discovery-${substr(each.key, 0, 8)}"
  description       = "What zone ${var.zone_name} of Skerry reads to find workloads"
  scope             = "/subscriptions/${each.key}"
  assignable_scopes = ["/subscriptions/${each.key}"]

  permissions {
    actions = sort(distinct(flatten([for source in var.discovery : local.actions[source]])))
  }
}

resource "azurerm_role_assignment" "discovery" {
  for_each = var.create && length(var.discovery) > 0 ? toset(var.discovery_subscription_ids) : []

  scope              = "/subscriptions/${each.key}"
  role_definition_id = azurerm_role_definition.discovery[each.key].role_definition_resource_id
  principal_id       = azurerm_user_assigned_identity.this[0].principal_id
  principal_type     = "ServicePrincipal"
}
