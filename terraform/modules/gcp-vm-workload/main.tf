locals {
  name   = "skerry-${var.name}"
  count  = var.create ? 1 : 0
  labels = merge({ "skerry-workload" = var.name }, var.labels)
}

# --- The token by which its proxies may join as this workload and nothing else

ephemeral "skerry_workload_token" "this" {
  count = local.count

  mesh      = var.mesh
  zone      = var.zone_name
  workload  = var.name
  valid_for = var.token_valid_for
}

resource "google_secret_manager_secret" "token" {
  count = local.count

  project   = var.project
  secret_id = "${local.name}-token"
  labels    = local.labels

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }
}

resource "google_secret_manager_secret_version" "token" {
  count = local.count

  secret                 = google_secret_manager_secret.token[0].id
  secret_data_wo         = ephemeral.skerry_workload_token.this[0].token
  secret_data_wo_version = var.token_version

  # The newest one is what machines fetch.
  lifecycle {
    create_before_destroy = true
  }
}

# --- Who the machines are, and what they may: read that one secret, write logs

resource "google_service_account" "this" {
  count = local.count

  project      = var.project
  account_id   = trimsuffix(substr(local.name, 0, 30), "-")
  display_name = "Machines of ${var.name}"
}

resource "google_secret_manager_secret_iam_member" "token" {
  count = local.count

  project   = var.project
  secret_id = google_secret_manager_secret.token[0].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${google_service_account.this[0].email}"
}

# --- The machines

locals {
  # Both answers are JSON: the machine's own identity first, then the secret that it may read, in base64.
  fetch_token = join(" ", [
    "curl -fsS --retry 5 -H \"Authorization: Bearer $(curl -fsS --retry 5 -H Metadata-Flavor:Google",
    "'http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token'",
    "| sed -n 's/.*\"access_token\": *\"\\([^\"]*\\)\".*/\\1/p')\"",
    "'https://secretmanager.googleapis.com/v1/projects/${var.project}/secrets/${local.name}-token/versions/latest:access'",
    "| sed -n 's/.*\"data\": *\"\\([^\"]*\\)\".*/\\1/p' | base64 -d",
  ])
}

module "user_data" {
  source = "../cloud-init"

  install  = var.install
  commands = var.setup

  units = {
    proxy = {
      description = "Proxy of ${var.name}"
      command = concat(
        ["proxy", "run", "--cp", var.xds_address, "--token-file", "/run/skerry-proxy/token", "--mesh", var.mesh, "--service", var.name],
        flatten([for port in var.ports : ["--port", "${port.name}:${port.port}/${port.protocol}"]]),
        flatten([for port in var.ports : ["--inbound-port", tostring(port.inbound)]]),
        flatten([for port, service in var.outbounds : ["--outbound", "${service}=${port}"]]),
        var.http_proxy_port == null ? [] : ["--http-proxy-port", tostring(var.http_proxy_port)],
        ["--health", var.health, "--address", "auto", "--admin", "127.0.0.1:9901", "--data", "/var/lib/skerry/proxy", "--drain-timeout", "20s"],
      )
      secrets = { token = local.fetch_token }
    }
  }
}

resource "google_compute_instance_template" "this" {
  count = local.count

  project      = var.project
  region       = var.region
  name_prefix  = "${local.name}-"
  machine_type = var.machine_type
  tags         = [local.name]
  labels       = local.labels
  metadata = {
    user-data              = module.user_data.user_data
    enable-oslogin         = "TRUE"
    block-project-ssh-keys = "TRUE"
  }

  disk {
    source_image = var.image
    boot         = true
    auto_delete  = true
  }

  network_interface {
    network    = var.network
    subnetwork = var.subnetwork
  }

  # What it may is said by its roles, not by scopes.
  service_account {
    email  = google_service_account.this[0].email
    scopes = ["https://www.googleapis.com/auth/cloud-platform"]
  }

  shielded_instance_config {
    enable_secure_boot          = true
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [google_secret_manager_secret_version.token, google_secret_manager_secret_iam_member.token]
}

resource "google_compute_region_instance_group_manager" "this" {
  count = local.count

  project            = var.project
  region             = var.region
  name               = local.name
  base_instance_name = local.name
  target_size        = var.size

  version {
    instance_template = google_compute_instance_template.this[0].self_link_unique
  }

  update_policy {
    type                  = "PROACTIVE"
    minimal_action        = "REPLACE"
    max_surge_fixed       = 3
    max_unavailable_fixed = 0
  }

  # A machine whose proxy no longer listens is made anew; whether the application answers, the proxy knows better.
  auto_healing_policies {
    health_check      = google_compute_health_check.this[0].id
    initial_delay_sec = 300
  }
}

resource "google_compute_health_check" "this" {
  count = local.count

  project            = var.project
  name               = local.name
  check_interval_sec = 10
  timeout_sec        = 5

  tcp_health_check {
    port = var.ports[0].inbound
  }
}

# --- Who reaches them: proxies only, at the proxy only

resource "google_compute_firewall" "callers" {
  count = local.count

  project       = var.project
  name          = "${local.name}-callers"
  description   = "Proxies that call ${var.name}"
  network       = var.network
  direction     = "INGRESS"
  source_ranges = var.caller_cidr_blocks
  target_tags   = [local.name]

  allow {
    protocol = "tcp"
    ports    = [for port in var.ports : tostring(port.inbound)]
  }
}

# From where Google's health checks come. https://cloud.google.com/load-balancing/docs/health-check-concepts#ip-ranges
resource "google_compute_firewall" "health_checks" {
  count = local.count

  project       = var.project
  name          = "${local.name}-health-checks"
  description   = "Health checks of ${var.name}"
  network       = var.network
  direction     = "INGRESS"
  source_ranges = ["35.191.0.0/16", "130.211.0.0/22"]
  target_tags   = [local.name]

  allow {
    protocol = "tcp"
    ports    = [tostring(var.ports[0].inbound)]
  }
}
