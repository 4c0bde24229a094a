variables {
  zone_name            = "tftest-ecs"
  global_address       = "https://global.example:5685"
  image                = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/skerry:0.1.0"
  vpc_id               = "vpc-1"
  subnet_ids           = ["subnet-a", "subnet-b"]
  workload_cidr_blocks = ["10.0.0.0/16"]
  discovery            = ["ECS", "Lambda"]
}

run "a_zone_of_a_control_plane_and_gateways" {
  assert {
    condition     = endswith(output.xds_address, ":5678") && alltrue([for address in output.gateway_addresses : endswith(address, ":10001")])
    error_message = "where proxies and other zones come"
  }
  assert {
    condition     = aws_ecs_service.control_plane[0].deployment_maximum_percent == 100
    error_message = "two control planes never write one file"
  }
  assert {
    condition     = toset([for source in skerry_discovery_source.this : source.spec.type]) == toset(["ECS", "Lambda"])
    error_message = "what it looks for is said in the mesh"
  }
  assert {
    condition     = skerry_discovery_source.this["ECS"].spec.aws.events.queue_url == aws_sqs_queue.task_events[0].url
    error_message = "tasks tell of themselves"
  }
  assert {
    condition     = aws_secretsmanager_secret_version.zone_token[0].secret_string_wo == null
    error_message = "the token is in the secret store alone"
  }
}

run "a_gateway_tells_each_address_of_the_load_balancer" {
  command = plan

  variables {
    zone_name           = "tftest-inner"
    gateway_internal    = true
    gateway_private_ips = ["10.0.0.10", "10.0.1.10"]
  }

  assert {
    condition     = output.gateway_addresses == ["10.0.0.10:10001", "10.0.1.10:10001"]
    error_message = "one in each subnet"
  }
  assert {
    condition     = length(aws_ecs_service.gateway) == 2 && length(aws_eip.gateway) == 0
    error_message = "and gateways for each"
  }
}

run "records_in_etcd" {
  command = plan

  variables {
    zone_name      = "tftest-etcd"
    etcd_endpoints = ["https://etcd-1.example:2379"]
  }

  assert {
    condition     = contains(keys(aws_vpc_security_group_egress_rule.control_plane_to_etcd), "2379")
    error_message = "it may reach etcd"
  }
}

run "makes_nothing" {
  command = plan

  variables {
    create = false
  }

  assert {
    condition     = length(skerry_zone.this) + length(aws_ecs_service.control_plane) + length(aws_iam_role.control_plane) + length(aws_lb.xds) == 0 && output.xds_address == null
    error_message = "create = false"
  }
}

run "bad_values_are_refused" {
  command = plan

  variables {
    zone_name            = "AWS 1"
    global_address       = "global.example"
    workload_cidr_blocks = ["10.0.0.0"]
    discovery            = ["ECR"]
  }

  expect_failures = [var.zone_name, var.global_address, var.workload_cidr_blocks, var.discovery]
}
