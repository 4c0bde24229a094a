variables {
  name  = "tftest-baseline"
  allow = { payments = ["spiffe://tftest-baseline.aws-1.mesh.local/workload/orders", "spiffe://tftest-baseline.*"] }
}

run "makes_a_mesh_in_which_only_what_is_said_is_allowed" {
  assert {
    condition     = output.mesh == "tftest-baseline"
    error_message = "its name"
  }
  assert {
    condition     = skerry_traffic_permission.this["payments"].spec.rules[0].default.allow[0].spiffe_id.type == "Exact"
    error_message = "one caller"
  }
  assert {
    condition     = skerry_traffic_permission.this["payments"].spec.rules[0].default.allow[1].spiffe_id.value == "spiffe://tftest-baseline."
    error_message = "and all whose ids begin so"
  }
}

run "adds_to_a_mesh_that_is_there" {
  command = plan

  variables {
    name  = "default"
    adopt = true
  }

  assert {
    condition     = length(skerry_mesh.this) == 0 && length(skerry_identity.this) == 0 && output.mesh == "default"
    error_message = "neither mesh nor identity"
  }
}

run "makes_nothing" {
  command = plan

  variables {
    create = false
  }

  assert {
    condition     = length(skerry_mesh.this) + length(skerry_traffic_permission.this) + length(skerry_timeout.this) + length(skerry_retry.this) == 0
    error_message = "create = false"
  }
}

run "a_caller_that_is_no_spiffe_id_is_refused" {
  command = plan

  variables {
    allow = { payments = ["orders"] }
  }

  expect_failures = [var.allow]
}
