variables {
  name                      = "tftest-legacy"
  zone_name                 = "aws-1"
  xds_address               = "zone.example:5678"
  vpc_id                    = "vpc-1"
  subnet_ids                = ["subnet-a"]
  ports                     = [{ port = 8080, inbound = 15006 }]
  caller_security_group_ids = { web = "sg-web" }
}

run "machines_with_a_proxy" {
  assert {
    condition     = keys(aws_vpc_security_group_ingress_rule.callers) == ["web-15006"]
    error_message = "callers come in at the proxy only"
  }
  assert {
    condition     = strcontains(base64decode(aws_launch_template.this[0].user_data), "'--inbound-port' '15006'")
    error_message = "where the proxy listens"
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.this[0].policy).Statement[0].Resource == [output.token_secret]
    error_message = "they may read their token, and no other"
  }
}

run "makes_nothing" {
  command = plan

  variables {
    create = false
  }

  assert {
    condition     = length(aws_autoscaling_group.this) + length(aws_iam_role.this) == 0 && output.token_secret == null
    error_message = "create = false"
  }
}

run "a_port_named_twice_is_refused" {
  command = plan

  variables {
    ports = [{ port = 8080, inbound = 15006 }, { port = 8081, inbound = 15007 }]
  }

  expect_failures = [var.ports]
}
