locals {
  assume_by_tasks = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })

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

resource "aws_iam_role" "execution" {
  count = local.count

  name_prefix        = "skerry-execution-"
  description        = "Starts the tasks of ${var.name}"
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
        { Sid = "Token", Effect = "Allow", Action = ["secretsmanager:GetSecretValue"], Resource = [aws_secretsmanager_secret.admin_token[0].arn] },
        { Sid = "Logs", Effect = "Allow", Action = ["logs:CreateLogStream", "logs:PutLogEvents"], Resource = ["${aws_cloudwatch_log_group.this[0].arn}:*"] },
      ],
      local.ecr_statements,
    )
  })
}

# It calls nothing in AWS but its disk.
resource "aws_iam_role" "task" {
  count = local.count

  name_prefix        = "skerry-global-"
  description        = "Global control plane ${var.name}"
  assume_role_policy = local.assume_by_tasks
  tags               = local.tags
}

resource "aws_iam_role_policy" "task" {
  count = var.create && local.is_sqlite ? 1 : 0

  name = "storage"
  role = aws_iam_role.task[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Storage"
      Effect    = "Allow"
      Action    = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
      Resource  = [aws_efs_file_system.this[0].arn]
      Condition = { StringEquals = { "elasticfilesystem:AccessPointArn" = aws_efs_access_point.this[0].arn } }
    }]
  })
}
