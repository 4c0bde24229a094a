variables {
  image                    = "registry.example/skerry:0.1.0"
  admin_token              = "an-admin-token-of-a-test-that-is-long-enough"
  vpc_id                   = "vpc-1"
  subnet_ids               = ["subnet-a", "subnet-b"]
  load_balancer_subnet_ids = ["subnet-c"]
  api_cidr_blocks          = ["10.0.0.0/8"]
  dns                      = { hosted_zone_id = "Z1", name = "mesh.example.org" }
}

run "one_control_plane_with_its_disk" {
  assert {
    condition     = output.sync_address == "https://mesh.example.org:5685" && output.api_address == "https://mesh.example.org:5681"
    error_message = "by its name"
  }
  assert {
    condition     = length(aws_efs_file_system.this) == 1 && aws_ecs_service.this[0].deployment_maximum_percent == 100
    error_message = "SQLite has one owner"
  }
  assert {
    condition     = aws_secretsmanager_secret_version.admin_token[0].secret_string_wo == null
    error_message = "the admin's token is in the secret store alone"
  }
}

run "several_on_etcd" {
  command = plan

  variables {
    replicas       = 3
    etcd_endpoints = ["https://etcd-1.example:2379", "https://etcd-2.example:2379"]
  }

  assert {
    condition     = length(aws_efs_file_system.this) == 0 && aws_ecs_service.this[0].deployment_maximum_percent == 200
    error_message = "no disk, and never all at once"
  }
}

run "several_on_one_disk_are_refused" {
  command = plan

  variables {
    replicas = 3
  }

  expect_failures = [var.etcd_endpoints]
}

run "makes_nothing" {
  command = plan

  variables {
    create = false
  }

  assert {
    condition     = length(aws_ecs_service.this) + length(aws_lb.this) == 0 && output.api_address == null
    error_message = "create = false"
  }
}
