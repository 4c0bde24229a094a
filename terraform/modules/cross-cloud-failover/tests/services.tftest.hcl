variables {
  services = { "tftest-payments" = ["aws-1", "azure-1"] }
}

run "joins_a_service_over_its_zones_in_their_order" {
  assert {
    condition     = output.hosts["tftest-payments"] == "tftest-payments.mesh"
    error_message = "what callers ask for"
  }
  assert {
    condition = [
      for rule in skerry_load_balancing_strategy.this["tftest-payments"].spec.to[0].default.locality_awareness.cross_zone.failover : rule.to.zones
    ] == [tolist(["aws-1"]), tolist(["azure-1"])]
    error_message = "aws-1 before azure-1"
  }
}

run "other_zones_come_last" {
  command = plan

  variables {
    only_named_zones = false
  }

  assert {
    condition     = skerry_load_balancing_strategy.this["tftest-payments"].spec.to[0].default.locality_awareness.cross_zone.failover[2].to.type == "Any"
    error_message = "any other"
  }
}

run "a_zone_named_twice_is_refused" {
  command = plan

  variables {
    services = { payments = ["aws-1", "aws-1"] }
  }

  expect_failures = [var.services]
}
