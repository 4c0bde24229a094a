resource "aws_security_group" "this" {
  count = local.count

  name_prefix = "${local.name}-"
  description = "Control plane and gateway of zone ${var.zone_name}"
  vpc_id      = var.vpc_id
  tags        = merge(local.tags, { Name = local.name })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "xds_from_proxies" {
  for_each = var.create ? var.proxy_security_group_ids : {}

  security_group_id            = aws_security_group.this[0].id
  description                  = "Proxies: ${each.key}"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = local.ports.xds
  to_port                      = local.ports.xds
  tags                         = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "xds_from_networks" {
  for_each = var.create ? var.proxy_cidr_blocks : []

  security_group_id = aws_security_group.this[0].id
  description       = "Proxies"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = local.ports.xds
  to_port           = local.ports.xds
  tags              = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "ingress_from_zones" {
  for_each = var.create ? var.gateway_cidr_blocks : []

  security_group_id = aws_security_group.this[0].id
  description       = "Other zones"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = local.ports.ingress
  to_port           = local.ports.ingress
  tags              = local.tags
}

resource "aws_vpc_security_group_egress_rule" "to_workloads" {
  for_each = var.create ? var.workload_cidr_blocks : []

  security_group_id = aws_security_group.this[0].id
  description       = "Workloads"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 1024
  to_port           = 65535
  tags              = local.tags
}

resource "aws_vpc_security_group_egress_rule" "to_global" {
  count = local.count

  security_group_id = aws_security_group.this[0].id
  description       = "Global control plane"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = tonumber(regex(":([0-9]+)$", var.global_address)[0])
  to_port           = tonumber(regex(":([0-9]+)$", var.global_address)[0])
  tags              = local.tags
}

resource "aws_vpc_security_group_egress_rule" "to_https" {
  count = local.count

  security_group_id = aws_security_group.this[0].id
  description       = "AWS, packages and the program"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = local.tags
}
