resource "aws_security_group" "control_plane" {
  count = local.count

  name_prefix = "${local.name}-control-plane-"
  description = "Control plane of zone ${var.zone_name}"
  vpc_id      = var.vpc_id
  tags        = merge(local.tags, { Name = "${local.name}-control-plane" })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_security_group" "gateway" {
  count = local.count

  name_prefix = "${local.name}-gateway-"
  description = "Zone gateways of zone ${var.zone_name}"
  vpc_id      = var.vpc_id
  tags        = merge(local.tags, { Name = "${local.name}-gateway" })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_security_group" "xds" {
  count = local.count

  name_prefix = "${local.name}-xds-"
  description = "Load balancer that proxies of zone ${var.zone_name} join by"
  vpc_id      = var.vpc_id
  tags        = merge(local.tags, { Name = "${local.name}-xds" })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_security_group" "ingress" {
  count = local.count

  name_prefix = "${local.name}-ingress-"
  description = "Load balancer by which other zones reach zone ${var.zone_name}"
  vpc_id      = var.vpc_id
  tags        = merge(local.tags, { Name = "${local.name}-ingress" })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_security_group" "storage" {
  count = local.count

  name_prefix = "${local.name}-storage-"
  description = "Disk of zone ${var.zone_name}"
  vpc_id      = var.vpc_id
  tags        = merge(local.tags, { Name = "${local.name}-storage" })

  lifecycle {
    create_before_destroy = true
  }
}

# --- Proxies → load balancer → control plane

resource "aws_vpc_security_group_ingress_rule" "xds_from_proxies" {
  for_each = var.create ? merge(var.proxy_security_group_ids, { "zone-gateway" = aws_security_group.gateway[0].id }) : {}

  security_group_id            = aws_security_group.xds[0].id
  description                  = "Proxies: ${each.key}"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = local.ports.xds
  to_port                      = local.ports.xds
  tags                         = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "xds_from_networks" {
  for_each = var.create ? var.proxy_cidr_blocks : []

  security_group_id = aws_security_group.xds[0].id
  description       = "Proxies"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = local.ports.xds
  to_port           = local.ports.xds
  tags              = local.tags
}

resource "aws_vpc_security_group_egress_rule" "xds_to_control_plane" {
  count = local.count

  security_group_id            = aws_security_group.xds[0].id
  description                  = "Control plane"
  referenced_security_group_id = aws_security_group.control_plane[0].id
  ip_protocol                  = "tcp"
  from_port                    = local.ports.xds
  to_port                      = local.ports.xds
  tags                         = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "control_plane_from_xds" {
  count = local.count

  security_group_id            = aws_security_group.control_plane[0].id
  description                  = "Proxies"
  referenced_security_group_id = aws_security_group.xds[0].id
  ip_protocol                  = "tcp"
  from_port                    = local.ports.xds
  to_port                      = local.ports.xds
  tags                         = local.tags
}

# --- Other zones → load balancer → gateways → workloads

resource "aws_vpc_security_group_ingress_rule" "ingress_from_zones" {
  for_each = var.create ? toset(var.gateway_cidr_blocks) : []

  security_group_id = aws_security_group.ingress[0].id
  description       = "Other zones"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = local.ports.ingress
  to_port           = local.ports.ingress
  tags              = local.tags
}

resource "aws_vpc_security_group_egress_rule" "ingress_to_gateway" {
  count = local.count

  security_group_id            = aws_security_group.ingress[0].id
  description                  = "Zone gateways"
  referenced_security_group_id = aws_security_group.gateway[0].id
  ip_protocol                  = "tcp"
  from_port                    = local.ports.ingress
  to_port                      = local.ports.ingress
  tags                         = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "gateway_from_ingress" {
  count = local.count

  security_group_id            = aws_security_group.gateway[0].id
  description                  = "Other zones"
  referenced_security_group_id = aws_security_group.ingress[0].id
  ip_protocol                  = "tcp"
  from_port                    = local.ports.ingress
  to_port                      = local.ports.ingress
  tags                         = local.tags
}

resource "aws_vpc_security_group_egress_rule" "gateway_to_workloads" {
  for_each = var.create ? var.workload_cidr_blocks : []

  security_group_id = aws_security_group.gateway[0].id
  description       = "Workloads"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 1024
  to_port           = 65535
  tags              = local.tags
}

resource "aws_vpc_security_group_egress_rule" "gateway_to_xds" {
  count = local.count

  security_group_id            = aws_security_group.gateway[0].id
  description                  = "Control plane"
  referenced_security_group_id = aws_security_group.xds[0].id
  ip_protocol                  = "tcp"
  from_port                    = local.ports.xds
  to_port                      = local.ports.xds
  tags                         = local.tags
}

# --- Control plane → global; both → AWS's own services (registry, logs, secrets, what is discovered)

resource "aws_vpc_security_group_egress_rule" "control_plane_to_global" {
  count = local.count

  security_group_id = aws_security_group.control_plane[0].id
  description       = "Global control plane"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = local.global_port
  to_port           = local.global_port
  tags              = local.tags
}

resource "aws_vpc_security_group_egress_rule" "to_aws" {
  for_each = var.create ? { control-plane = aws_security_group.control_plane[0].id, gateway = aws_security_group.gateway[0].id } : {}

  security_group_id = each.value
  description       = "AWS and the registry of the image"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = local.tags
}

resource "aws_vpc_security_group_egress_rule" "control_plane_to_etcd" {
  for_each = var.create ? local.etcd_ports : []

  security_group_id = aws_security_group.control_plane[0].id
  description       = "etcd"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = tonumber(each.value)
  to_port           = tonumber(each.value)
  tags              = local.tags
}

locals {
  global_port = tonumber(regex(":([0-9]+)$", var.global_address)[0])
  etcd_ports  = toset([for endpoint in var.etcd_endpoints : regex(":([0-9]+)/?$", endpoint)[0]])
}

# --- Both ↔ disk

resource "aws_vpc_security_group_egress_rule" "to_storage" {
  for_each = var.create ? { control-plane = aws_security_group.control_plane[0].id, gateway = aws_security_group.gateway[0].id } : {}

  security_group_id            = each.value
  description                  = "Disk"
  referenced_security_group_id = aws_security_group.storage[0].id
  ip_protocol                  = "tcp"
  from_port                    = 2049
  to_port                      = 2049
  tags                         = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "storage" {
  for_each = var.create ? { control-plane = aws_security_group.control_plane[0].id, gateway = aws_security_group.gateway[0].id } : {}

  security_group_id            = aws_security_group.storage[0].id
  description                  = each.key
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = 2049
  to_port                      = 2049
  tags                         = local.tags
}

# --- Load balancers: they pass TLS on as it is

resource "aws_lb" "xds" {
  count = local.count

  name_prefix        = "skx-"
  load_balancer_type = "network"
  internal           = true
  subnets            = var.subnet_ids
  security_groups    = [aws_security_group.xds[0].id]
  tags               = local.tags
}

resource "aws_lb_target_group" "xds" {
  count = local.count

  name_prefix          = "skx-"
  port                 = local.ports.xds
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

resource "aws_lb_listener" "xds" {
  count = local.count

  load_balancer_arn = aws_lb.xds[0].arn
  port              = local.ports.xds
  protocol          = "TCP"
  tags              = local.tags

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.xds[0].arn
  }
}

resource "aws_lb" "gateway" {
  count = local.count

  name_prefix                      = "skg-"
  load_balancer_type               = "network"
  internal                         = var.gateway_internal
  security_groups                  = [aws_security_group.ingress[0].id]
  enable_cross_zone_load_balancing = true
  tags                             = local.tags

  dynamic "subnet_mapping" {
    for_each = local.gateway_indices
    content {
      subnet_id            = subnet_mapping.value
      allocation_id        = var.gateway_internal ? null : aws_eip.gateway[subnet_mapping.key].allocation_id
      private_ipv4_address = var.gateway_internal ? var.gateway_private_ips[subnet_mapping.key] : null
    }
  }
}

resource "aws_eip" "gateway" {
  for_each = var.gateway_internal ? {} : local.gateway_indices

  domain = "vpc"
  tags   = merge(local.tags, { Name = "${local.name}-gateway-${each.key}" })
}

resource "aws_lb_target_group" "gateway" {
  count = local.count

  name_prefix          = "skg-"
  port                 = local.ports.ingress
  protocol             = "TCP"
  target_type          = "ip"
  vpc_id               = var.vpc_id
  deregistration_delay = "30"
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

resource "aws_lb_listener" "gateway" {
  count = local.count

  load_balancer_arn = aws_lb.gateway[0].arn
  port              = local.ports.ingress
  protocol          = "TCP"
  tags              = local.tags

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.gateway[0].arn
  }
}
