data "aws_region" "current" {}

locals {
  count = var.create ? 1 : 0
  tags  = merge({ "skerry.io/zone" = var.zone_name }, var.tags)

  # What the zone's adapter reads: that it is to be called, in which mesh, by which alias, and the form of the payload.
  discovery_tags = var.register != "discovery" ? {} : {
    "skerry.io/expose"  = "true"
    "skerry.io/mesh"    = var.mesh
    "skerry.io/aliases" = "live"
    "skerry.io/payload" = var.payload
  }
}

resource "aws_cloudwatch_log_group" "this" {
  count = local.count

  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
  tags              = local.tags
}

resource "aws_iam_role" "this" {
  count = local.count

  name_prefix = "skerry-function-"
  description = "Function ${var.name}"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
  tags = local.tags
}

resource "aws_iam_role_policy" "logs" {
  count = local.count

  name = "logs"
  role = aws_iam_role.this[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "Logs", Effect = "Allow", Action = ["logs:CreateLogStream", "logs:PutLogEvents"], Resource = ["${aws_cloudwatch_log_group.this[0].arn}:*"] },
    ]
  })
}

resource "aws_iam_role_policy" "own" {
  count = var.create && var.policy != null ? 1 : 0

  name   = "own"
  role   = aws_iam_role.this[0].id
  policy = var.policy
}

resource "aws_lambda_function" "this" {
  count = local.count

  function_name    = var.name
  description      = "Workload ${var.name} of mesh ${var.mesh}"
  role             = aws_iam_role.this[0].arn
  handler          = var.handler
  runtime          = var.runtime
  architectures    = [var.architecture]
  memory_size      = var.memory
  timeout          = var.timeout
  filename         = var.package.file
  s3_bucket        = var.package.s3_bucket
  s3_key           = var.package.s3_key
  source_code_hash = var.package.sha256
  # An alias names a version: what is invoked changes when the alias does, and not before.
  publish = true
  tags    = merge(local.tags, local.discovery_tags)

  dynamic "environment" {
    for_each = length(var.environment) > 0 ? [var.environment] : []
    content {
      variables = environment.value
    }
  }

  depends_on = [aws_iam_role_policy.logs, aws_cloudwatch_log_group.this]
}

resource "aws_lambda_alias" "live" {
  count = local.count

  name             = "live"
  description      = "What the mesh invokes"
  function_name    = aws_lambda_function.this[0].function_name
  function_version = aws_lambda_function.this[0].version
}

resource "aws_lambda_permission" "gateway" {
  count = local.count

  statement_id  = "skerry-zone-gateway"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this[0].function_name
  qualifier     = aws_lambda_alias.live[0].name
  principal     = var.gateway_role_arn
}

resource "skerry_workload" "this" {
  count = var.create && var.register == "terraform" ? 1 : 0

  mesh     = var.mesh
  name     = var.name
  workload = var.name
  cloud    = "aws"
  region   = data.aws_region.current.region
  lambda = {
    arn     = aws_lambda_alias.live[0].arn
    region  = data.aws_region.current.region
    payload = var.payload
  }

  depends_on = [aws_lambda_permission.gateway]
}
