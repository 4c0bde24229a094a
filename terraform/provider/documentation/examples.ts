import { typedKinds } from '../../../src/convert/terraform/kind-names.ts'
import { resourceHcl } from '../../../src/convert/terraform/resource-hcl.ts'
import { sourceBlock } from '../package/layout.ts'

/** By the path below `examples/`, as the registry expects them. All of them together are one configuration that validates. */
export function examples(): Readonly<Record<string, string>> {
  return {
    'provider/provider.tf': `${sourceBlock}
provider "skerry" {
  endpoint = "https://mesh.example.com:5681"
  # The token comes from SKERRY_TOKEN.
}
`,
    ...Object.fromEntries(typedKinds.flatMap(kind => typed(kind))),
    ...written,
  }
}

function typed(kind: (typeof typedKinds)[number]): [path: string, text: string][] {
  const mesh = kind.scope === 'mesh' ? 'default' : ''
  const { name, labels = {}, spec } = kind.example
  const { address, text, importId } = resourceHcl({ kind, mesh, name, labels, spec })
  const directory = `resources/${address.split('.')[0]}`
  return [
    [`${directory}/resource.tf`, text],
    [`${directory}/import.sh`, importOf(address, importId)],
  ]
}

function importOf(address: string, id: string): string {
  return `terraform import ${address} ${id}\n`
}

const written: Readonly<Record<string, string>> = {
  'resources/skerry_resource/resource.tf': `resource "skerry_resource" "requests" {
  kind = "MeshRateLimit"
  mesh = "default"
  name = "requests"
  spec = {
    targetRef = { kind = "Mesh" }
    rules = [{
      default = { local = { http = { requestRate = { num = 100, interval = "1s" } } } }
    }]
  }
}
`,
  'resources/skerry_resource/import.sh': importOf('skerry_resource.requests', 'MeshRateLimit/default/requests'),
  'resources/skerry_secret/resource.tf': `variable "registry_token" {
  type      = string
  ephemeral = true
}

resource "skerry_secret" "registry_token" {
  name             = "registry-token"
  value_wo         = var.registry_token
  value_wo_version = 1
}
`,
  'resources/skerry_secret/import.sh': importOf('skerry_secret.registry_token', 'default/registry-token'),
  'resources/skerry_global_secret/resource.tf': `variable "upstream_key" {
  type      = string
  ephemeral = true
}

resource "skerry_global_secret" "upstream_key" {
  name             = "upstream-key"
  value_base64_wo  = base64encode(var.upstream_key)
  value_wo_version = 1
}
`,
  'resources/skerry_global_secret/import.sh': importOf('skerry_global_secret.upstream_key', 'upstream-key'),
  'resources/skerry_workload/resource.tf': `resource "skerry_workload" "payments" {
  name     = "payments-vm-1"
  workload = "payments"
  address  = "10.1.2.3"
  ports    = [{ port = 8080, name = "http", protocol = "http" }]
  cloud    = "gcp"
  region   = "europe-west4"
}

resource "skerry_workload" "receipts" {
  name     = "receipts"
  workload = "receipts"
  lambda = {
    arn     = "arn:aws:lambda:eu-central-1:123456789012:function:receipts"
    region  = "eu-central-1"
    payload = "http-2.0"
  }
}
`,
  'resources/skerry_workload/import.sh': importOf('skerry_workload.payments', 'default/payments-vm-1'),
  'data-sources/skerry_control_plane/data-source.tf': `data "skerry_control_plane" "global" {}

output "version" {
  value = data.skerry_control_plane.global.version
}
`,
  'data-sources/skerry_mesh/data-source.tf': `data "skerry_mesh" "shop" {
  name = "shop"
}
`,
  'data-sources/skerry_meshes/data-source.tf': `data "skerry_meshes" "all" {}

output "meshes" {
  value = data.skerry_meshes.all.meshes[*].name
}
`,
  'data-sources/skerry_zone/data-source.tf': `data "skerry_zone" "aws" {
  name = "aws-1"
}

check "zone_is_online" {
  assert {
    condition     = data.skerry_zone.aws.state == "online"
    error_message = "Zone aws-1 is \${data.skerry_zone.aws.state}."
  }
}
`,
  'data-sources/skerry_zones/data-source.tf': `data "skerry_zones" "silent" {
  state = "silent"
}
`,
  'data-sources/skerry_service/data-source.tf': `data "skerry_service" "backend" {
  name = "backend"
}

output "instances_by_zone" {
  value = { for zone in data.skerry_service.backend.zones : zone.zone => zone.healthy }
}
`,
  'data-sources/skerry_services/data-source.tf': `data "skerry_services" "degraded" {
  mesh  = "default"
  state = "degraded"
}
`,
  'data-sources/skerry_workloads/data-source.tf': `data "skerry_workloads" "aws" {
  mesh = "default"
  zone = "aws-1"
}
`,
  'data-sources/skerry_effective_policies/data-source.tf': `data "skerry_effective_policies" "web" {
  dataplane = "web-1"
}

output "timeouts" {
  value = [for policy in data.skerry_effective_policies.web.policies : policy.fields if policy.kind == "MeshTimeout"]
}
`,
  'data-sources/skerry_trust_bundle/data-source.tf': `data "skerry_trust_bundle" "default" {
  mesh = "default"
}

output "roots" {
  value = data.skerry_trust_bundle.default.pem
}
`,
  'ephemeral-resources/skerry_zone_token/ephemeral-resource.tf': `resource "skerry_zone" "gcp" {
  name = "gcp-1"
}

ephemeral "skerry_zone_token" "gcp" {
  zone      = skerry_zone.gcp.id
  valid_for = "720h"
}

resource "skerry_secret" "gcp_token" {
  name             = "gcp-1-token"
  value_wo         = ephemeral.skerry_zone_token.gcp.token
  value_wo_version = 1
}
`,
  'ephemeral-resources/skerry_workload_token/ephemeral-resource.tf': `ephemeral "skerry_workload_token" "payments" {
  mesh      = "default"
  zone      = "aws-1"
  workload  = "payments"
  valid_for = "720h"
}

ephemeral "skerry_workload_token" "zone_gateway" {
  mesh      = "default"
  zone      = "aws-1"
  workload  = "zone-gateway"
  type      = "ingress"
  valid_for = "720h"
}
`,
  'ephemeral-resources/skerry_user_token/ephemeral-resource.tf': `ephemeral "skerry_user_token" "ci" {
  name      = "ci"
  groups    = ["payments-team"]
  valid_for = "30m"
}
`,
  'functions/import_id/function.tf': `import {
  to = skerry_timeout.imported
  id = provider::skerry::import_id("default", "slow")
}

resource "skerry_timeout" "imported" {
  name = "slow"
  spec = {
    to = [{
      target_ref = { kind = "Mesh" }
      default    = { connection_timeout = "10s" }
    }]
  }
}
`,
  'functions/spiffe_id/function.tf': `resource "skerry_traffic_permission" "web_to_payments" {
  name = "web-to-payments"
  spec = {
    target_ref = { kind = "Dataplane", labels = { app = "payments" } }
    rules = [{
      default = {
        allow = [{
          spiffe_id = { type = "Exact", value = provider::skerry::spiffe_id("default", "aws-1", "web") }
        }]
      }
    }]
  }
}
`,
  'functions/vm_user_data/function.tf': `output "user_data" {
  value = provider::skerry::vm_user_data({
    control_plane = "zone-gcp.example.com:5678"
    service       = "payments"
    ports         = ["8080/http"]
    labels        = { team = "pay" }
    token_command = "gcloud secrets versions access latest --secret=payments-token"
  })
}
`,
}
