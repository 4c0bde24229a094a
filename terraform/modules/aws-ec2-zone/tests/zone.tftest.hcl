variables {
  zone_name            = "tftest-ec2"
  global_address       = "https://global.example:5685"
  vpc_id               = "vpc-1"
  subnet_id            = "subnet-a"
  workload_cidr_blocks = ["10.0.0.0/16"]
  discovery            = ["EC2"]
}

run "a_machine_with_control_plane_and_gateway" {
  assert {
    condition     = output.gateway_addresses == tolist(["${aws_eip.this[0].public_ip}:10001"])
    error_message = "other zones come by its public address"
  }
  assert {
    condition     = aws_instance.this[0].metadata_options[0].http_tokens == "required"
    error_message = "its credentials are not for whoever can make it send a request"
  }
  assert {
    condition     = aws_ebs_volume.data[0].encrypted && aws_ebs_volume.data[0].final_snapshot
    error_message = "its records outlive it"
  }
  assert {
    condition     = !strcontains(aws_instance.this[0].user_data, "eyJ")
    error_message = "no token in the user data"
  }
}

run "within_connected_networks" {
  command = plan

  variables {
    zone_name        = "tftest-internal"
    gateway_internal = true
  }

  assert {
    condition     = length(aws_eip.this) == 0
    error_message = "no public address"
  }
}

run "makes_nothing" {
  command = plan

  variables {
    create = false
  }

  assert {
    condition     = length(aws_instance.this) + length(skerry_zone.this) + length(aws_iam_role.this) == 0 && output.xds_address == null
    error_message = "create = false"
  }
}

run "bad_values_are_refused" {
  command = plan

  variables {
    architecture = "sparc"
    data_gib     = 0
  }

  expect_failures = [var.architecture, var.data_gib]
}
