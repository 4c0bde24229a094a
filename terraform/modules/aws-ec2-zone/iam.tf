module "discovery" {
  source = "../aws-discovery"

  sources = var.discovery
  regions = [local.region]
}

resource "aws_iam_role" "this" {
  count = local.count

  name_prefix = "skerry-zone-"
  description = "Control plane and gateway of zone ${var.zone_name}"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }]
  })
  tags = local.tags
}

resource "aws_iam_role_policy" "this" {
  count = local.count

  name = "zone"
  role = aws_iam_role.this[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{ Sid = "Token", Effect = "Allow", Action = ["secretsmanager:GetSecretValue"], Resource = [aws_secretsmanager_secret.zone_token[0].arn] }],
      var.kms_key_id == null ? [] : [{ Sid = "Key", Effect = "Allow", Action = ["kms:Decrypt"], Resource = [var.kms_key_id] }],
      length(var.lambda_function_arns) == 0 ? [] : [
        { Sid = "Invoke", Effect = "Allow", Action = ["lambda:InvokeFunction"], Resource = var.lambda_function_arns },
      ],
    )
  })
}

resource "aws_iam_role_policy" "discovery" {
  count = var.create && length(var.discovery) > 0 ? 1 : 0

  name   = "discovery"
  role   = aws_iam_role.this[0].id
  policy = module.discovery.policy
}

resource "aws_iam_instance_profile" "this" {
  count = local.count

  name_prefix = "skerry-zone-"
  role        = aws_iam_role.this[0].name
  tags        = local.tags
}
