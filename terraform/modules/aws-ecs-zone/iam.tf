locals {
  assume_by_tasks = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = one(data.aws_caller_identity.current[*].account_id) } }
    }]
  })
}

data "aws_caller_identity" "current" {
  count = local.count
}

module "discovery" {
  source = "../aws-discovery"

  sources = var.discovery
  regions = [local.region]
}

# --- What ECS needs to start the tasks: this one secret, this one group of logs, and the image

resource "aws_iam_role" "execution" {
  count = local.count

  name_prefix        = "skerry-execution-"
  description        = "Starts the tasks of zone ${var.zone_name}"
  assume_role_policy = local.assume_by_tasks
  tags               = local.tags
}

resource "aws_iam_role_policy" "execution" {
  count = local.count

  name = "start-tasks"
  role = aws_iam_role.execution[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        { Sid = "Token", Effect = "Allow", Action = ["secretsmanager:GetSecretValue"], Resource = [aws_secretsmanager_secret.zone_token[0].arn] },
        { Sid = "Logs", Effect = "Allow", Action = ["logs:CreateLogStream", "logs:PutLogEvents"], Resource = ["${aws_cloudwatch_log_group.this[0].arn}:*"] },
      ],
      local.ecr_statements,
      var.kms_key_id == null ? [] : [{ Sid = "Key", Effect = "Allow", Action = ["kms:Decrypt"], Resource = [var.kms_key_id] }],
    )
  })
}

locals {
  # Only where the image lies in ECR: 123456789012.dkr.ecr.eu-central-1.amazonaws.com/skerry:0.1.0
  ecr = try(regex("^([0-9]{12})\\.dkr\\.ecr\\.([a-z0-9-]+)\\.amazonaws\\.com/([^:@]+)", var.image), null)
  ecr_statements = local.ecr == null ? [] : [
    { Sid = "Registry", Effect = "Allow", Action = ["ecr:GetAuthorizationToken"], Resource = ["*"] },
    {
      Sid      = "Image"
      Effect   = "Allow"
      Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Resource = ["arn:aws:ecr:${local.ecr[1]}:${local.ecr[0]}:repository/${local.ecr[2]}"]
    },
  ]
}

# --- What the programs themselves may

resource "aws_iam_role" "control_plane" {
  count = local.count

  name_prefix        = "skerry-zone-"
  description        = "Control plane of zone ${var.zone_name}"
  assume_role_policy = local.assume_by_tasks
  tags               = local.tags
}

resource "aws_iam_role_policy" "control_plane" {
  count = local.count

  name = "storage"
  role = aws_iam_role.control_plane[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Storage"
      Effect    = "Allow"
      Action    = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
      Resource  = [aws_efs_file_system.this[0].arn]
      Condition = { StringEquals = { "elasticfilesystem:AccessPointArn" = [for point in aws_efs_access_point.this : point.arn] } }
    }]
  })
}

resource "aws_iam_role_policy" "discovery" {
  count = var.create && length(var.discovery) > 0 ? 1 : 0

  name   = "discovery"
  role   = aws_iam_role.control_plane[0].id
  policy = module.discovery.policy
}

resource "aws_iam_role" "gateway" {
  count = local.count

  name_prefix        = "skerry-gateway-"
  description        = "Zone gateways of zone ${var.zone_name}"
  assume_role_policy = local.assume_by_tasks
  tags               = local.tags
}

resource "aws_iam_role_policy" "gateway" {
  count = local.count

  name = "gateway"
  role = aws_iam_role.gateway[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "Token"
        Effect    = "Allow"
        Action    = ["elasticfilesystem:ClientMount"]
        Resource  = [aws_efs_file_system.this[0].arn]
        Condition = { StringEquals = { "elasticfilesystem:AccessPointArn" = aws_efs_access_point.this["token"].arn } }
      }],
      length(var.lambda_function_arns) == 0 ? [] : [
        { Sid = "Invoke", Effect = "Allow", Action = ["lambda:InvokeFunction"], Resource = var.lambda_function_arns },
      ],
    )
  })
}
