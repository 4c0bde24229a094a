variables {
  image       = "registry.example/skerry:0.1.0"
  admin_token = "an-admin-token-of-a-test-that-is-long-enough"
}

run "one_control_plane_with_its_volume" {
  assert {
    condition     = yamldecode(helm_release.this[0].values[0]).mode == "global" && yamldecode(helm_release.this[0].values[0]).persistence.enabled
    error_message = "global, with a volume"
  }
  assert {
    condition     = kubernetes_secret_v1.admin_token[0].data_wo == null
    error_message = "the admin's token is in the Secret alone"
  }
}

run "a_short_token_is_refused" {
  command = plan

  variables {
    admin_token = "short"
  }

  expect_failures = [var.admin_token]
}

run "makes_nothing" {
  command = plan

  variables {
    create = false
  }

  assert {
    condition     = length(helm_release.this) == 0 && output.sync_address == null
    error_message = "create = false"
  }
}
