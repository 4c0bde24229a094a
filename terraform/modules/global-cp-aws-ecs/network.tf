resource "aws_security_group" "this" {
  count = local.count

  name_prefix = "${var.name}-"
  description = "Global control plane"
  vpc_id      = var.vpc_id
  tags        = merge(local.tags, { Name = var.name })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_security_group" "load_balancer" {
  count = local.count

  name_prefix = "${var.name}-lb-"
  description = "Load balancer of the global control plane"
  vpc_id      = var.vpc_id
  tags        = merge(local.tags, { Name = "${var.name}-lb" })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_security_group" "storage" {
  count = var.create && local.is_sqlite ? 1 : 0

  name_prefix = "${var.name}-storage-"
  description = "Disk of the global control plane"
  vpc_id      = var.vpc_id
  tags        = merge(local.tags, { Name = "${var.name}-storage" })

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  let_in = merge(
    { for block in var.zone_cidr_blocks : "sync ${block}" => { block = block, port = local.ports.sync, who = "Zones" } },
    { for block in var.api_cidr_blocks : "api ${block}" => { block = block, port = local.ports.api, who = "People and programs" } },
  )
  etcd_ports = toset([for endpoint in var.etcd_endpoints : regex(":([0-9]+)/?$", endpoint)[0]])
}

resource "aws_vpc_security_group_ingress_rule" "load_balancer" {
  for_each = var.create ? local.let_in : {}

  security_group_id = aws_security_group.load_balancer[0].id
  description       = each.value.who
  cidr_ipv4         = each.value.block
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  tags              = local.tags
}

resource "aws_vpc_security_group_egress_rule" "load_balancer" {
  for_each = var.create ? local.ports : {}

  security_group_id            = aws_security_group.load_balancer[0].id
  description                  = each.key
  referenced_security_group_id = aws_security_group.this[0].id
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
  tags                         = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "this" {
  for_each = var.create ? local.ports : {}

  security_group_id            = aws_security_group.this[0].id
  description                  = each.key
  referenced_security_group_id = aws_security_group.load_balancer[0].id
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
  tags                         = local.tags
}

# Replicas ask each other what only one of them can answer.
resource "aws_vpc_security_group_ingress_rule" "replicas" {
  count = var.create && var.replicas > 1 ? 1 : 0

  security_group_id            = aws_security_group.this[0].id
  description                  = "Replicas"
  referenced_security_group_id = aws_security_group.this[0].id
  ip_protocol                  = "tcp"
  from_port                    = local.ports.sync
  to_port                      = local.ports.sync
  tags                         = local.tags
}

resource "aws_vpc_security_group_egress_rule" "replicas" {
  count = var.create && var.replicas > 1 ? 1 : 0

  security_group_id            = aws_security_group.this[0].id
  description                  = "Replicas"
  referenced_security_group_id = aws_security_group.this[0].id
  ip_protocol                  = "tcp"
  from_port                    = local.ports.sync
  to_port                      = local.ports.sync
  tags                         = local.tags
}

resource "aws_vpc_security_group_egress_rule" "to_https" {
  count = local.count

  security_group_id = aws_security_group.this[0].id
  description       = "AWS and the registry of the image"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = local.tags
}

resource "aws_vpc_security_group_egress_rule" "to_etcd" {
  for_each = var.create ? local.etcd_ports : []

  security_group_id = aws_security_group.this[0].id
  description       = "etcd"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = tonumber(each.value)
  to_port           = tonumber(each.value)
  tags              = local.tags
}

resource "aws_vpc_security_group_egress_rule" "to_storage" {
  count = var.create && local.is_sqlite ? 1 : 0

  security_group_id            = aws_security_group.this[0].id
  description                  = "Disk"
  referenced_security_group_id = aws_security_group.storage[0].id
  ip_protocol                  = "tcp"
  from_port                    = 2049
  to_port                      = 2049
  tags                         = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "storage" {
  count = var.create && local.is_sqlite ? 1 : 0

  security_group_id            = aws_security_group.storage[0].id
  description                  = "Global control plane"
  referenced_security_group_id = aws_security_group.this[0].id
  ip_protocol                  = "tcp"
  from_port                    = 2049
  to_port                      = 2049
  tags                         = local.tags
}

# It passes TLS on as it is: zones verify the control plane's own certificate, by the fingerprint in their token.
resource "aws_lb" "this" {
  count = local.count

  name_prefix                      = "skl-"
  load_balancer_type               = "network"
  internal                         = var.internal
  subnets                          = var.load_balancer_subnet_ids
  security_groups                  = [aws_security_group.load_balancer[0].id]
  enable_cross_zone_load_balancing = true
  tags                             = local.tags
}

resource "aws_lb_target_group" "this" {
  for_each = var.create ? local.ports : {}

  name_prefix          = "sk${substr(each.key, 0, 1)}-"
  port                 = each.value
  protocol             = "TCP"
  target_type          = "ip"
  vpc_id               = var.vpc_id
  deregistration_delay = "15"
  tags                 = local.tags

  health_check {
    protocol            = "TCP"
    interval            = 10
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lb_listener" "this" {
  for_each = var.create ? local.ports : {}

  load_balancer_arn = aws_lb.this[0].arn
  port              = each.value
  protocol          = "TCP"
  tags              = local.tags

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this[each.key].arn
  }
}
