variables {
  name               = "tftest-search"
  zone_name          = "gcp-1"
  xds_address        = "zone.example:5678"
  ports              = [{ port = 8080, inbound = 15006 }]
  caller_cidr_blocks = ["10.2.0.0/16"]
  project            = "shop"
  region             = "europe-west1"
  network            = "shop"
  subnetwork         = "shop-machines"
}

run "machines_with_a_proxy" {
  assert {
    condition     = google_secret_manager_secret_version.token[0].secret_data_wo == null
    error_message = "the token is in the secret store alone"
  }
  assert {
    condition     = google_compute_firewall.callers[0].source_ranges == toset(["10.2.0.0/16"])
    error_message = "callers come from there only"
  }
  assert {
    condition     = startswith(google_compute_instance_template.this[0].metadata["user-data"], "#cloud-config")
    error_message = "how they begin"
  }
}

run "makes_nothing" {
  command = plan

  variables {
    create = false
  }

  assert {
    condition     = length(google_compute_region_instance_group_manager.this) == 0 && output.token_secret == null
    error_message = "create = false"
  }
}

run "bad_values_are_refused" {
  command = plan

  variables {
    caller_cidr_blocks = ["everywhere"]
    health             = "maybe"
  }

  expect_failures = [var.caller_cidr_blocks, var.health]
}
