locals {
  count = var.create && !var.adopt ? 1 : 0
  # Its id is known when it is there: what is asked of it waits for that.
  mesh = local.count == 1 ? skerry_mesh.this[0].id : var.name
}

resource "skerry_mesh" "this" {
  count = local.count

  name = var.name
}

# Each zone makes a root of its own, signs with it, and trusts those of the others.
resource "skerry_identity" "this" {
  count = local.count

  mesh = local.mesh
  name = "identity"
  spec = {
    selector = { dataplane = { match_labels = {} } }
    provider = {
      type    = "Bundled"
      bundled = { mesh_trust_creation = "Enabled", autogenerate = { enabled = true } }
    }
  }
}

# What no permission allows is refused.
resource "skerry_traffic_permission" "this" {
  for_each = var.create ? var.allow : {}

  mesh = local.mesh
  name = "callers-of-${each.key}"
  spec = {
    target_ref = { kind = "Dataplane", labels = { "kuma.io/workload" = each.key } }
    rules = [{
      default = {
        allow = [
          for id in each.value : { spiffe_id = {
            type  = endswith(id, "*") ? "Prefix" : "Exact"
            value = trimsuffix(id, "*")
          } }
        ]
      }
    }]
  }
}

resource "skerry_timeout" "this" {
  count = var.create ? 1 : 0

  mesh = local.mesh
  name = "baseline"
  spec = {
    to = [{
      target_ref = { kind = "Mesh" }
      default    = { connection_timeout = var.timeouts.connect, http = { request_timeout = var.timeouts.request } }
    }]
  }
}

resource "skerry_retry" "this" {
  count = var.create ? 1 : 0

  mesh = local.mesh
  name = "baseline"
  spec = {
    to = [{
      target_ref = { kind = "Mesh" }
      default    = { http = { num_retries = var.retries, retry_on = ["GatewayError", "ConnectFailure", "RefusedStream"] } }
    }]
  }
}
