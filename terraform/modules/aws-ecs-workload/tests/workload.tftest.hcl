variables {
  name        = "tftest-orders"
  zone_name   = "aws-1"
  xds_address = "zone.example:5678"
  proxy_image = "registry.example/skerry:0.1.0"
  cluster_arn = "arn:aws:ecs:eu-central-1:123456789012:cluster/shop"
  vpc_id      = "vpc-1"
  subnet_ids  = ["subnet-a"]
  ports       = [{ port = 8080, inbound = 15006 }]
  container_definitions = [
    { name = "app", image = "registry.example/orders:1", essential = true, portMappings = [{ containerPort = 8080 }] },
  ]
  caller_security_group_ids = { zone-gateway = "sg-gateway" }
  outbounds                 = { "9001" = "payments" }
}

run "puts_a_proxy_beside_the_application" {
  assert {
    condition     = [for container in jsondecode(aws_ecs_task_definition.this[0].container_definitions) : container.name] == ["app", "skerry-proxy"]
    error_message = "both"
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this[0].container_definitions)[1].dependsOn == [{ containerName = "app", condition = "START" }]
    error_message = "the proxy ends first, and drains"
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this[0].container_definitions)[1].secrets[0].valueFrom == output.token_secret
    error_message = "its token comes out of the secret store"
  }
  assert {
    condition     = keys(aws_vpc_security_group_ingress_rule.callers) == ["zone-gateway-15006"]
    error_message = "only the gateway comes in, only at the proxy"
  }
}

run "makes_nothing" {
  command = plan

  variables {
    create = false
  }

  assert {
    condition     = length(aws_ecs_service.this) + length(aws_secretsmanager_secret.token) == 0 && output.service_arn == null
    error_message = "create = false"
  }
}

run "the_proxys_name_is_taken" {
  command = plan

  variables {
    container_definitions = [{ name = "skerry-proxy", image = "x" }]
  }

  expect_failures = [var.container_definitions]
}
