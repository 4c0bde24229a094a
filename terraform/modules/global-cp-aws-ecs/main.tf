data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

locals {
  region    = data.aws_region.current.region
  count     = var.create ? 1 : 0
  tags      = merge({ "skerry.io/control-plane" = var.name }, var.tags)
  ports     = { api = 5681, sync = 5685 }
  is_sqlite = length(var.etcd_endpoints) == 0
  names     = distinct(concat(var.api_names, var.dns == null ? [] : [var.dns.name], aws_lb.this[*].dns_name))

  cluster_arn = var.create ? coalesce(var.cluster_arn, one(aws_ecs_cluster.this[*].arn)) : null
}

resource "aws_secretsmanager_secret" "admin_token" {
  count = local.count

  name_prefix = "${var.name}-admin-token-"
  description = "Whoever has it is admin of ${var.name}."
  tags        = local.tags
}

resource "aws_secretsmanager_secret_version" "admin_token" {
  count = local.count

  secret_id                = aws_secretsmanager_secret.admin_token[0].id
  secret_string_wo         = var.admin_token
  secret_string_wo_version = var.admin_token_version
}

resource "aws_ecs_cluster" "this" {
  count = var.create && var.cluster_arn == null ? 1 : 0

  name = var.name
  tags = local.tags

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_cloudwatch_log_group" "this" {
  count = local.count

  name              = "/skerry/${var.name}"
  retention_in_days = var.log_retention_days
  tags              = local.tags
}

locals {
  # The token comes as a variable, and the program reads it from a file: not in its arguments, which everybody on a machine sees.
  command = join(" ", concat(
    ["umask 077; printf %s \"$ADMIN_TOKEN\" >/tmp/admin.token; unset ADMIN_TOKEN; exec skerry global run"],
    ["--data /data --api 0.0.0.0:${local.ports.api} --sync 0.0.0.0:${local.ports.sync} --admin-token-file /tmp/admin.token"],
    [for name in local.names : "--api-name ${name}"],
    # Replicas reach each other by their own addresses.
    local.is_sqlite ? [] : ["--store etcd --etcd-endpoints ${join(",", var.etcd_endpoints)} --etcd-prefix /skerry/${var.name} --replica-address \"$(hostname -i | cut -d' ' -f1):${local.ports.sync}\""],
  ))

  containers = [{
    name         = "global"
    image        = var.image
    essential    = true
    entryPoint   = ["/bin/sh", "-c"]
    command      = [local.command]
    stopTimeout  = 30
    portMappings = [for name, port in local.ports : { containerPort = port, hostPort = port, protocol = "tcp", name = name }]
    secrets      = [{ name = "ADMIN_TOKEN", valueFrom = one(aws_secretsmanager_secret.admin_token[*].arn) }]
    environment  = [{ name = "ADMIN_TOKEN_VERSION", value = tostring(var.admin_token_version) }]
    mountPoints  = local.is_sqlite ? [{ sourceVolume = "data", containerPath = "/data", readOnly = false }] : []
    healthCheck = {
      # Its certificate is its own, and this is its own machine.
      command     = ["CMD-SHELL", "NODE_TLS_REJECT_UNAUTHORIZED=0 node --no-warnings -e \"fetch('https://127.0.0.1:${local.ports.api}/readyz').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))\""]
      interval    = 10
      timeout     = 5
      retries     = 3
      startPeriod = 60
    }
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = "/skerry/${var.name}"
        awslogs-region        = local.region
        awslogs-stream-prefix = "global"
      }
    }
  }]
}

resource "aws_ecs_task_definition" "this" {
  count = local.count

  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = aws_iam_role.execution[0].arn
  task_role_arn            = aws_iam_role.task[0].arn
  container_definitions    = jsonencode(local.containers)
  tags                     = local.tags

  dynamic "volume" {
    for_each = aws_efs_access_point.this
    content {
      name = "data"

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

resource "aws_ecs_service" "this" {
  count = local.count

  name            = var.name
  cluster         = local.cluster_arn
  task_definition = aws_ecs_task_definition.this[0].arn
  desired_count   = var.replicas
  launch_type     = "FARGATE"
  propagate_tags  = "SERVICE"
  tags            = local.tags

  # SQLite has one owner: the old one ends before the new one begins, and zones go on by themselves meanwhile.
  deployment_minimum_healthy_percent = local.is_sqlite ? 0 : 100
  deployment_maximum_percent         = local.is_sqlite ? 100 : 200
  health_check_grace_period_seconds  = 120

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets         = var.subnet_ids
    security_groups = [aws_security_group.this[0].id]
  }

  dynamic "load_balancer" {
    for_each = aws_lb_target_group.this
    content {
      target_group_arn = load_balancer.value.arn
      container_name   = "global"
      container_port   = local.ports[load_balancer.key]
    }
  }

  depends_on = [
    aws_lb_listener.this,
    aws_efs_mount_target.this,
    aws_iam_role_policy.execution,
    aws_iam_role_policy.task,
    aws_secretsmanager_secret_version.admin_token,
  ]
}

# --- Its records

resource "aws_efs_file_system" "this" {
  count = var.create && local.is_sqlite ? 1 : 0

  encrypted = true
  tags      = merge(local.tags, { Name = var.name })
}

resource "aws_efs_backup_policy" "this" {
  count = var.create && local.is_sqlite ? 1 : 0

  file_system_id = aws_efs_file_system.this[0].id

  backup_policy {
    status = "ENABLED"
  }
}

resource "aws_efs_mount_target" "this" {
  for_each = var.create && local.is_sqlite ? { for index, subnet in var.subnet_ids : tostring(index) => subnet } : {}

  file_system_id  = aws_efs_file_system.this[0].id
  subnet_id       = each.value
  security_groups = [aws_security_group.storage[0].id]
}

resource "aws_efs_access_point" "this" {
  count = var.create && local.is_sqlite ? 1 : 0

  file_system_id = aws_efs_file_system.this[0].id
  tags           = merge(local.tags, { Name = var.name })

  posix_user {
    uid = 1000
    gid = 1000
  }

  root_directory {
    path = "/data"

    creation_info {
      owner_uid   = 1000
      owner_gid   = 1000
      permissions = "0700"
    }
  }
}

# --- A name

resource "aws_route53_record" "this" {
  count = var.create && var.dns != null ? 1 : 0

  zone_id = var.dns.hosted_zone_id
  name    = var.dns.name
  type    = "A"

  alias {
    name                   = aws_lb.this[0].dns_name
    zone_id                = aws_lb.this[0].zone_id
    evaluate_target_health = true
  }
}
