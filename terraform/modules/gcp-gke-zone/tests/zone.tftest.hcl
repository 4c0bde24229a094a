variables {
  zone_name      = "tftest-gke"
  global_address = "https://global.example:5685"
  image          = "registry.example:5000/skerry:0.1.0"
  pod_cidr_block = "10.1.0.0/16"
  project        = "shop"
  region         = "europe-west1"
  discovery      = ["GCE"]
}

run "a_zone_in_the_cluster" {
  assert {
    condition     = yamldecode(helm_release.this[0].values[0]).zone.global.tokenSecret == { name = "zone-token", key = "token" }
    error_message = "its token is in a Secret"
  }
  assert {
    condition     = yamldecode(helm_release.this[0].values[0]).image == { repository = "registry.example:5000/skerry", tag = "0.1.0" }
    error_message = "repository and tag apart"
  }
  assert {
    condition     = kubernetes_secret_v1.zone_token[0].data_wo == null
    error_message = "the token is in the secret store alone"
  }
  assert {
    condition     = output.xds_address == "skerry.skerry.svc:5678"
    error_message = "where proxies join"
  }
  assert {
    condition     = google_project_iam_custom_role.discovery[0].permissions == toset(["compute.instances.get", "compute.instances.list"])
    error_message = "what it may ask Google"
  }
}

run "makes_nothing" {
  command = plan

  variables {
    create = false
  }

  assert {
    condition     = length(google_service_account.this) + length(helm_release.this) + length(skerry_zone.this) == 0 && output.xds_address == null
    error_message = "create = false"
  }
}

run "bad_values_are_refused" {
  command = plan

  variables {
    image          = "skerry"
    pod_cidr_block = "everywhere"
  }

  expect_failures = [var.image, var.pod_cidr_block]
}
