data "aws_region" "current" {}

locals {
  name   = "skerry-${var.zone_name}"
  region = data.aws_region.current.region
  count  = var.create ? 1 : 0
  tags   = merge({ "skerry.io/zone" = var.zone_name }, var.tags)

  ports = { xds = 5678, ingress = 10001 }

  cluster_arn = var.create ? coalesce(var.cluster_arn, one(aws_ecs_cluster.this[*].arn)) : null
}

# --- The zone at global, and its token ----------------------------------------------------------------------------------------------

resource "skerry_zone" "this" {
  count = local.count

  name = var.zone_name
}

# Asked for when the zone is there, not when its name is known.
ephemeral "skerry_zone_token" "this" {
  count = local.count

  zone      = skerry_zone.this[0].id
  valid_for = var.zone_token_valid_for
}

resource "aws_secretsmanager_secret" "zone_token" {
  count = local.count

  name_prefix = "${local.name}-zone-token-"
  description = "With this the control plane of zone ${var.zone_name} connects to global."
  kms_key_id  = var.kms_key_id
  tags        = local.tags
}

resource "aws_secretsmanager_secret_version" "zone_token" {
  count = local.count

  secret_id                = aws_secretsmanager_secret.zone_token[0].id
  secret_string_wo         = ephemeral.skerry_zone_token.this[0].token
  secret_string_wo_version = var.zone_token_version
}

resource "skerry_discovery_source" "this" {
  for_each = var.create ? var.discovery : []

  mesh = var.mesh
  name = "${var.zone_name}-${lower(each.key)}"
  spec = {
    type  = each.key
    zones = [var.zone_name]
    aws = {
      regions = [local.region]
      events  = each.key == "ECS" && var.task_events ? { queue_url = aws_sqs_queue.task_events[0].url } : null
    }
    credentials = { type = "Ambient" }
    include     = [{ match_labels = { "skerry.io/mesh" = var.mesh } }]
  }

  depends_on = [skerry_zone.this]
}

# --- Where it runs ------------------------------------------------------------------------------------------------------------------

resource "aws_ecs_cluster" "this" {
  count = var.create && var.cluster_arn == null ? 1 : 0

  name = local.name
  tags = local.tags

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_cloudwatch_log_group" "this" {
  count = local.count

  name              = "/skerry/${var.zone_name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_id
  tags              = local.tags
}

locals {
  log_configuration = {
    for name in ["control-plane", "gateway-token", "zone-gateway"] : name => {
      logDriver = "awslogs"
      options = {
        awslogs-group         = "/skerry/${var.zone_name}"
        awslogs-region        = local.region
        awslogs-stream-prefix = name
      }
    }
  }

  # The token comes as a variable, and the program reads it from a file: not in its arguments, which everybody on a machine sees.
  zone_command = join(" ", concat(
    ["umask 077; printf %s \"$ZONE_TOKEN\" >/tmp/zone.token; unset ZONE_TOKEN; exec skerry zone run"],
    ["--zone ${var.zone_name} --data /data --api 127.0.0.1:5681 --xds 0.0.0.0:${local.ports.xds}"],
    ["--global ${var.global_address} --zone-token-file /tmp/zone.token"],
    length(var.etcd_endpoints) == 0 ? [] : ["--store etcd --etcd-endpoints ${join(",", var.etcd_endpoints)} --etcd-prefix /skerry/${var.zone_name}"],
  ))

  # Gateways show a token of this zone, which only its control plane makes: fresh every week, good for a month, in a directory that they read.
  gateway_token_command = join(" ", [
    "umask 077; while :; do",
    "until skerry token dataplane --api http://127.0.0.1:5681 --token-file /data/admin.token --mesh ${var.mesh}",
    "--workload zone-gateway --proxy-type ingress --valid-for 720h --out /token/dataplane.new && mv /token/dataplane.new /token/dataplane; do sleep 5; done;",
    "sleep 604800 & wait $!; done",
  ])

  gateway_command = join(" ", [
    "until test -s /token/dataplane; do sleep 2; done; exec skerry proxy run --role zone-gateway --token-file /token/dataplane",
    "--bind 0.0.0.0 --ingress-port ${local.ports.ingress} --admin 127.0.0.1:9901 --data /tmp/skerry --drain-timeout 20s",
  ])

  control_plane_containers = [
    {
      name        = "control-plane"
      image       = var.image
      essential   = true
      entryPoint  = ["/bin/sh", "-c"]
      command     = [local.zone_command]
      stopTimeout = 30
      portMappings = [
        { containerPort = local.ports.xds, hostPort = local.ports.xds, protocol = "tcp", name = "xds" },
      ]
      secrets          = [{ name = "ZONE_TOKEN", valueFrom = one(aws_secretsmanager_secret.zone_token[*].arn) }]
      environment      = [{ name = "ZONE_TOKEN_VERSION", value = tostring(var.zone_token_version) }]
      mountPoints      = [{ sourceVolume = "data", containerPath = "/data", readOnly = false }]
      logConfiguration = local.log_configuration["control-plane"]
      healthCheck = {
        command     = ["CMD", "node", "-e", "fetch('http://127.0.0.1:5681/readyz').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
        interval    = 10
        timeout     = 5
        retries     = 3
        startPeriod = 60
      }
    },
    {
      name             = "gateway-token"
      image            = var.image
      essential        = false
      restartPolicy    = { enabled = true }
      entryPoint       = ["/bin/sh", "-c"]
      command          = [local.gateway_token_command]
      dependsOn        = [{ containerName = "control-plane", condition = "HEALTHY" }]
      mountPoints      = [for name in ["data", "token"] : { sourceVolume = name, containerPath = "/${name}", readOnly = name == "data" }]
      logConfiguration = local.log_configuration["gateway-token"]
    },
  ]

  gateway_containers = {
    for index, address in local.gateway_addresses : index => [{
      name         = "zone-gateway"
      image        = var.image
      essential    = true
      entryPoint   = ["/bin/sh", "-c"]
      command      = [local.gateway_command]
      stopTimeout  = 30
      portMappings = [{ containerPort = local.ports.ingress, hostPort = local.ports.ingress, protocol = "tcp", name = "ingress" }]
      environment = [
        { name = "SKERRY_CP", value = local.xds_address },
        { name = "SKERRY_ADDRESS", value = address },
      ]
      mountPoints      = [{ sourceVolume = "token", containerPath = "/token", readOnly = true }]
      logConfiguration = local.log_configuration["zone-gateway"]
      healthCheck = {
        command     = ["CMD", "skerry", "proxy", "ready", "--admin", "127.0.0.1:9901"]
        interval    = 10
        timeout     = 5
        retries     = 3
        startPeriod = 60
      }
    }]
  }

  xds_address = var.create ? "${aws_lb.xds[0].dns_name}:${local.ports.xds}" : null

  # Other zones connect to addresses, not to names: one in each subnet of the load balancer, and gateways that tell it.
  gateway_subnet_ids = length(var.gateway_subnet_ids) > 0 ? var.gateway_subnet_ids : var.subnet_ids
  gateway_indices    = var.create ? { for index, subnet in local.gateway_subnet_ids : tostring(index) => subnet } : {}
  gateway_addresses = {
    for index, subnet in local.gateway_indices : index => var.gateway_internal ? var.gateway_private_ips[index] : aws_eip.gateway[index].public_ip
  }
}

resource "aws_ecs_task_definition" "control_plane" {
  count = local.count

  family                   = "${local.name}-control-plane"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = aws_iam_role.execution[0].arn
  task_role_arn            = aws_iam_role.control_plane[0].arn
  container_definitions    = jsonencode(local.control_plane_containers)
  tags                     = local.tags

  dynamic "volume" {
    for_each = aws_efs_access_point.this
    content {
      name = volume.key

      efs_volume_configuration {
        file_system_id     = aws_efs_file_system.this[0].id
        transit_encryption = "ENABLED"

        authorization_config {
          access_point_id = volume.value.id
          iam             = "ENABLED"
        }
      }
    }
  }
}

resource "aws_ecs_service" "control_plane" {
  count = local.count

  name            = "${local.name}-control-plane"
  cluster         = local.cluster_arn
  task_definition = aws_ecs_task_definition.control_plane[0].arn
  desired_count   = 1
  launch_type     = "FARGATE"
  propagate_tags  = "SERVICE"
  tags            = local.tags

  # Tokens for its workloads are made by the zone itself: they wait until it runs.
  wait_for_steady_state = true

  # A zone has one control plane at a time: the old one ends before the new one begins. Proxies keep what they have meanwhile.
  deployment_minimum_healthy_percent = 0
  deployment_maximum_percent         = 100
  health_check_grace_period_seconds  = 120

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets         = var.subnet_ids
    security_groups = [aws_security_group.control_plane[0].id]
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.xds[0].arn
    container_name   = "control-plane"
    container_port   = local.ports.xds
  }

  # The zone is deleted when its control plane has ended, and not before.
  depends_on = [
    skerry_zone.this,
    aws_lb_listener.xds,
    aws_efs_mount_target.this,
    aws_iam_role_policy.execution,
    aws_iam_role_policy.control_plane,
    aws_secretsmanager_secret_version.zone_token,
  ]
}

resource "aws_ecs_task_definition" "gateway" {
  for_each = local.gateway_indices

  family                   = "${local.name}-gateway-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = aws_iam_role.execution[0].arn
  task_role_arn            = aws_iam_role.gateway[0].arn
  container_definitions    = jsonencode(local.gateway_containers[each.key])
  tags                     = local.tags

  volume {
    name = "token"

    efs_volume_configuration {
      file_system_id     = aws_efs_file_system.this[0].id
      transit_encryption = "ENABLED"

      authorization_config {
        access_point_id = aws_efs_access_point.this["token"].id
        iam             = "ENABLED"
      }
    }
  }
}

resource "aws_ecs_service" "gateway" {
  for_each = local.gateway_indices

  name            = "${local.name}-gateway-${each.key}"
  cluster         = local.cluster_arn
  task_definition = aws_ecs_task_definition.gateway[each.key].arn
  desired_count   = var.gateway_count
  launch_type     = "FARGATE"
  propagate_tags  = "SERVICE"
  tags            = local.tags

  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = 120

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets         = var.subnet_ids
    security_groups = [aws_security_group.gateway[0].id]
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.gateway[0].arn
    container_name   = "zone-gateway"
    container_port   = local.ports.ingress
  }

  depends_on = [aws_lb_listener.gateway, aws_efs_mount_target.this, aws_iam_role_policy.execution, aws_iam_role_policy.gateway]
}
