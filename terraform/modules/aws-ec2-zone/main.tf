data "aws_region" "current" {}

data "aws_ssm_parameter" "ami" {
  count = var.create && var.ami_id == null ? 1 : 0

  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${var.architecture}"
}

locals {
  name   = "skerry-${var.zone_name}"
  region = data.aws_region.current.region
  count  = var.create ? 1 : 0
  tags   = merge({ "skerry.io/zone" = var.zone_name }, var.tags)

  ports = { xds = 5678, ingress = 10001 }
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
    type        = each.key
    zones       = [var.zone_name]
    aws         = { regions = [local.region] }
    credentials = { type = "Ambient" }
    include     = [{ match_labels = { "skerry.io/mesh" = var.mesh } }]
  }

  depends_on = [skerry_zone.this]
}

# --- The machine: control plane and zone gateway ------------------------------------------------------------------------------------

module "user_data" {
  source = "../cloud-init"

  install     = var.install
  data_device = "/dev/sdf"

  units = {
    zone = {
      description = "Control plane of zone ${var.zone_name}"
      command = [
        "zone", "run", "--zone", var.zone_name, "--data", "/var/lib/skerry/zone", "--api", "127.0.0.1:5681",
        "--xds", "0.0.0.0:${local.ports.xds}", "--global", var.global_address, "--zone-token-file", "/run/skerry-zone/zone.token",
      ]
      secrets = {
        "zone.token" = "aws secretsmanager get-secret-value --region ${local.region} --secret-id ${var.create ? aws_secretsmanager_secret.zone_token[0].arn : ""} --query SecretString --output text"
      }
    }
    gateway = {
      description = "Gateway of zone ${var.zone_name}"
      after       = ["zone"]
      # Its token is of this zone, which the control plane beside it makes.
      secrets = {
        "dataplane.token" = "/opt/skerry/bin/skerry token dataplane --api http://127.0.0.1:5681 --token-file /var/lib/skerry/zone/admin.token --mesh ${var.mesh} --workload zone-gateway --proxy-type ingress --valid-for 720h"
      }
      command = [
        "proxy", "run", "--role", "zone-gateway", "--cp", "127.0.0.1:${local.ports.xds}", "--token-file", "/run/skerry-gateway/dataplane.token",
        "--address", var.gateway_internal ? "auto" : try(aws_eip.this[0].public_ip, "auto"), "--bind", "0.0.0.0",
        "--ingress-port", tostring(local.ports.ingress), "--admin", "127.0.0.1:9901", "--data", "/var/lib/skerry/gateway", "--drain-timeout", "20s",
      ]
    }
  }
}

resource "aws_instance" "this" {
  count = local.count

  ami                         = coalesce(var.ami_id, try(data.aws_ssm_parameter.ami[0].value, null))
  instance_type               = var.instance_type
  subnet_id                   = var.subnet_id
  vpc_security_group_ids      = [aws_security_group.this[0].id]
  iam_instance_profile        = aws_iam_instance_profile.this[0].name
  user_data                   = module.user_data.user_data
  user_data_replace_on_change = true
  tags                        = merge(local.tags, { Name = local.name })

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    encrypted   = true
    kms_key_id  = var.kms_key_id
    volume_type = "gp3"
    tags        = merge(local.tags, { Name = "${local.name}-root" })
  }

  # A machine whose hardware fails is started again elsewhere, with its disk and its addresses.
  maintenance_options {
    auto_recovery = "default"
  }

  lifecycle {
    # A newer image is no reason to stop a zone.
    ignore_changes = [ami]
  }

  # The zone is deleted when its control plane has ended, and not before.
  depends_on = [skerry_zone.this, aws_iam_role_policy.this, aws_secretsmanager_secret_version.zone_token]
}

data "aws_subnet" "this" {
  count = local.count

  id = var.subnet_id
}

# Outlives the machine.
resource "aws_ebs_volume" "data" {
  count = local.count

  availability_zone = data.aws_subnet.this[0].availability_zone
  size              = var.data_gib
  type              = "gp3"
  encrypted         = true
  kms_key_id        = var.kms_key_id
  final_snapshot    = true
  tags              = merge(local.tags, { Name = local.name })
}

resource "aws_volume_attachment" "data" {
  count = local.count

  device_name                    = "/dev/sdf"
  volume_id                      = aws_ebs_volume.data[0].id
  instance_id                    = aws_instance.this[0].id
  stop_instance_before_detaching = true
}

resource "aws_eip" "this" {
  count = var.create && !var.gateway_internal ? 1 : 0

  domain = "vpc"
  tags   = merge(local.tags, { Name = local.name })
}

resource "aws_eip_association" "this" {
  count = var.create && !var.gateway_internal ? 1 : 0

  allocation_id = aws_eip.this[0].id
  instance_id   = aws_instance.this[0].id
}
