data "aws_region" "current" {}

data "aws_ssm_parameter" "ami" {
  count = var.create && var.ami_id == null ? 1 : 0

  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${var.architecture}"
}

locals {
  name  = "skerry-${var.name}"
  count = var.create ? 1 : 0
  tags  = merge({ "skerry.io/workload" = var.name }, var.tags)
}

# --- The token by which its proxies may join as this workload and nothing else

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

# --- The machines

module "user_data" {
  source = "../cloud-init"

  install  = var.install
  packages = var.packages
  commands = var.setup

  units = {
    proxy = {
      description = "Proxy of ${var.name}"
      command = concat(
        ["proxy", "run", "--cp", var.xds_address, "--token-file", "/run/skerry-proxy/token", "--mesh", var.mesh, "--service", var.name],
        flatten([for port in var.ports : ["--port", "${port.name}:${port.port}/${port.protocol}"]]),
        flatten([for port in var.ports : ["--inbound-port", tostring(port.inbound)]]),
        flatten([for port, service in var.outbounds : ["--outbound", "${service}=${port}"]]),
        var.http_proxy_port == null ? [] : ["--http-proxy-port", tostring(var.http_proxy_port)],
        ["--health", var.health, "--address", "auto", "--admin", "127.0.0.1:9901", "--data", "/var/lib/skerry/proxy", "--drain-timeout", "20s"],
      )
      secrets = {
        token = "aws secretsmanager get-secret-value --region ${data.aws_region.current.region} --secret-id ${var.create ? aws_secretsmanager_secret.token[0].arn : ""} --query SecretString --output text"
      }
    }
  }
}

resource "aws_launch_template" "this" {
  count = local.count

  name_prefix            = "${local.name}-"
  image_id               = coalesce(var.ami_id, try(data.aws_ssm_parameter.ami[0].value, null))
  instance_type          = var.instance_type
  user_data              = base64encode(module.user_data.user_data)
  update_default_version = true
  vpc_security_group_ids = [aws_security_group.this[0].id]
  tags                   = local.tags

  iam_instance_profile {
    arn = aws_iam_instance_profile.this[0].arn
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      encrypted   = "true"
      volume_type = "gp3"
    }
  }

  dynamic "tag_specifications" {
    for_each = ["instance", "volume"]
    content {
      resource_type = tag_specifications.value
      tags          = merge(local.tags, { Name = local.name })
    }
  }
}

resource "aws_autoscaling_group" "this" {
  count = local.count

  name_prefix               = "${local.name}-"
  min_size                  = var.size
  max_size                  = var.size
  vpc_zone_identifier       = var.subnet_ids
  health_check_type         = "EC2"
  health_check_grace_period = 120
  # The proxy drains when the machine is told to stop; that takes 20 seconds.
  default_instance_warmup = 60

  launch_template {
    id      = aws_launch_template.this[0].id
    version = aws_launch_template.this[0].latest_version
  }

  instance_refresh {
    strategy = "Rolling"

    preferences {
      min_healthy_percentage = 50
    }
  }

  dynamic "tag" {
    for_each = merge(local.tags, { Name = local.name })
    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = true
    }
  }

  depends_on = [aws_iam_role_policy.this, aws_secretsmanager_secret_version.token]
}

# --- Who reaches them: proxies only, at the proxy only

resource "aws_security_group" "this" {
  count = local.count

  name_prefix = "${local.name}-"
  description = "Machines of ${var.name}"
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

resource "aws_vpc_security_group_egress_rule" "all" {
  count = local.count

  security_group_id = aws_security_group.this[0].id
  description       = "Control plane, other workloads, other zones, AWS"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
  tags              = local.tags
}

# --- What a machine may: read its token

resource "aws_iam_role" "this" {
  count = local.count

  name_prefix = "skerry-workload-"
  description = "Machines of ${var.name}"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }]
  })
  tags = local.tags
}

resource "aws_iam_role_policy" "this" {
  count = local.count

  name = "token"
  role = aws_iam_role.this[0].id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "Token", Effect = "Allow", Action = ["secretsmanager:GetSecretValue"], Resource = [aws_secretsmanager_secret.token[0].arn] }]
  })
}

resource "aws_iam_instance_profile" "this" {
  count = local.count

  name_prefix = "skerry-workload-"
  role        = aws_iam_role.this[0].name
  tags        = local.tags
}
