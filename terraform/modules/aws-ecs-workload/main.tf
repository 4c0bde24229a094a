data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

locals {
  name  = "skerry-${var.name}"
  count = var.create ? 1 : 0
  tags  = merge({ "skerry.io/mesh" = var.mesh, "skerry.io/workload" = var.name }, var.tags)
}

# --- The token by which the proxy may join as this workload and nothing else

ephemeral "skerry_workload_token" "this" {
  count = local.count

  mesh      = var.mesh
  zone      = var.zone_name
  workload  = var.name
  valid_for = var.token_valid_for
}

resource "aws_secretsmanager_secret" "token" {
  count = local.count

  name_prefix = "${local.name}-token-"
  description = "With this the proxies of ${var.name} join zone ${var.zone_name}."
  tags        = local.tags
}

resource "aws_secretsmanager_secret_version" "token" {
  count = local.count

  secret_id                = aws_secretsmanager_secret.token[0].id
  secret_string_wo         = ephemeral.skerry_workload_token.this[0].token
  secret_string_wo_version = var.token_version
}

# --- Your containers, and the proxy

locals {
  # The proxy depends on them, so that ECS stops it first: it drains while they still answer.
  proxy = {
    name       = "skerry-proxy"
    image      = var.proxy_image
    essential  = true
    entryPoint = ["skerry"]
    command = concat(
      ["proxy", "run", "--service", var.name],
      flatten([for port in var.ports : ["--port", "${port.name}:${port.port}/${port.protocol}"]]),
      flatten([for port in var.ports : ["--inbound-port", tostring(port.inbound)]]),
      flatten([for port, service in var.outbounds : ["--outbound", "${service}=${port}"]]),
      var.http_proxy_port == null ? [] : ["--http-proxy-port", tostring(var.http_proxy_port)],
      ["--health", var.health, "--address", "auto", "--admin", "127.0.0.1:9901", "--data", "/tmp/skerry", "--drain-timeout", "20s"],
    )
    environment = [
      { name = "SKERRY_CP", value = var.xds_address },
      { name = "SKERRY_MESH", value = var.mesh },
      { name = "SKERRY_TOKEN_VERSION", value = tostring(var.token_version) },
    ]
    secrets      = [{ name = "SKERRY_DATAPLANE_TOKEN", valueFrom = one(aws_secretsmanager_secret.token[*].arn) }]
    portMappings = [for port in var.ports : { containerPort = port.inbound, hostPort = port.inbound, protocol = "tcp", name = "skerry-${port.inbound}" }]
    dependsOn    = [for container in var.container_definitions : { containerName = container.name, condition = "START" } if try(container.essential, true)]
    dockerLabels = { "skerry.io/proxy" = "sidecar" }
    stopTimeout  = 30
    healthCheck = {
      command     = ["CMD", "skerry", "proxy", "ready", "--admin", "127.0.0.1:9901"]
      interval    = 10
      timeout     = 5
      retries     = 3
      startPeriod = 60
    }
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = "/skerry/${var.zone_name}/${var.name}"
        awslogs-region        = data.aws_region.current.region
        awslogs-stream-prefix = "proxy"
      }
    }
  }
}

resource "aws_cloudwatch_log_group" "proxy" {
  count = local.count

  name              = "/skerry/${var.zone_name}/${var.name}"
  retention_in_days = var.log_retention_days
  tags              = local.tags
}

resource "aws_ecs_task_definition" "this" {
  count = local.count

  family                   = local.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = aws_iam_role.execution[0].arn
  task_role_arn            = var.task_role_arn
  # Encoded one by one: containers of a list need not all say the same.
  container_definitions = "[${join(",", concat([for container in var.container_definitions : jsonencode(container)], [jsonencode(local.proxy)]))}]"
  tags                  = local.tags
}

resource "aws_ecs_service" "this" {
  count = local.count

  name            = local.name
  cluster         = var.cluster_arn
  task_definition = aws_ecs_task_definition.this[0].arn
  desired_count   = var.desired_count
  launch_type     = "FARGATE"
  propagate_tags  = "SERVICE"
  tags            = local.tags

  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets         = var.subnet_ids
    security_groups = [aws_security_group.this[0].id]
  }

  depends_on = [aws_iam_role_policy.execution, aws_secretsmanager_secret_version.token]
}

# --- Who reaches it: proxies only, at the proxy only

resource "aws_security_group" "this" {
  count = local.count

  name_prefix = "${local.name}-"
  description = "Tasks of ${var.name}"
  vpc_id      = var.vpc_id
  tags        = merge(local.tags, { Name = local.name })

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  inbound = merge([
    for who, group in var.caller_security_group_ids : { for port in var.ports : "${who}-${port.inbound}" => { group = group, port = port.inbound, who = who } }
  ]...)
}

resource "aws_vpc_security_group_ingress_rule" "callers" {
  for_each = var.create ? local.inbound : {}

  security_group_id            = aws_security_group.this[0].id
  description                  = each.value.who
  referenced_security_group_id = each.value.group
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  tags                         = local.tags
}

# What it calls is the mesh's to decide: callers' proxies and other zones' gateways have ports of their own.
resource "aws_vpc_security_group_egress_rule" "all" {
  count = local.count

  security_group_id = aws_security_group.this[0].id
  description       = "Control plane, other workloads, other zones, AWS"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
  tags              = local.tags
}

# --- What ECS needs to start it

resource "aws_iam_role" "execution" {
  count = local.count

  name_prefix = "skerry-execution-"
  description = "Starts the tasks of ${var.name}"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
  tags = local.tags
}

locals {
  # Repositories of ECR among the images: 123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop/web:1.2
  images = distinct(concat([var.proxy_image], [for container in var.container_definitions : container.image]))
  repositories = distinct([
    for image in local.images : format("arn:aws:ecr:%s:%s:repository/%s", regex("^[0-9]{12}\\.dkr\\.ecr\\.([a-z0-9-]+)\\.", image)[0], substr(image, 0, 12), regex("amazonaws\\.com/([^:@]+)", image)[0])
    if can(regex("^[0-9]{12}\\.dkr\\.ecr\\.[a-z0-9-]+\\.amazonaws\\.com/", image))
  ])
}

resource "aws_iam_role_policy" "execution" {
  count = local.count

  name = "start-tasks"
  role = aws_iam_role.execution[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        { Sid = "Secrets", Effect = "Allow", Action = ["secretsmanager:GetSecretValue"], Resource = concat([aws_secretsmanager_secret.token[0].arn], var.secret_arns) },
        { Sid = "Logs", Effect = "Allow", Action = ["logs:CreateLogStream", "logs:PutLogEvents"], Resource = ["${aws_cloudwatch_log_group.proxy[0].arn}:*"] },
      ],
      length(local.repositories) == 0 ? [] : [
        { Sid = "Registry", Effect = "Allow", Action = ["ecr:GetAuthorizationToken"], Resource = ["*"] },
        { Sid = "Images", Effect = "Allow", Action = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], Resource = local.repositories },
      ],
    )
  })
}
