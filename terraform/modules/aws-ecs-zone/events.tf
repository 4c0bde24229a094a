# What ECS tells of its tasks, for the control plane to read: EventBridge → queue.

locals {
  event_count = var.create && var.task_events && contains(var.discovery, "ECS") ? 1 : 0
}

resource "aws_sqs_queue" "task_events" {
  count = local.event_count

  name = "${local.name}-task-events"
  # What waited this long, the next listing has said.
  message_retention_seconds = 600
  sqs_managed_sse_enabled   = true
  tags                      = local.tags
}

resource "aws_sqs_queue_policy" "task_events" {
  count = local.event_count

  queue_url = aws_sqs_queue.task_events[0].url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.task_events[0].arn
      Principal = { Service = "events.amazonaws.com" }
      Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.task_events[0].arn } }
    }]
  })
}

resource "aws_cloudwatch_event_rule" "task_events" {
  count = local.event_count

  name        = "${local.name}-task-events"
  description = "Tasks and machines of ECS that change, for zone ${var.zone_name}"
  event_pattern = jsonencode({
    source        = ["aws.ecs"]
    "detail-type" = ["ECS Task State Change", "ECS Container Instance State Change", "ECS Deployment State Change"]
  })
  tags = local.tags
}

resource "aws_cloudwatch_event_target" "task_events" {
  count = local.event_count

  rule = aws_cloudwatch_event_rule.task_events[0].name
  arn  = aws_sqs_queue.task_events[0].arn

  depends_on = [aws_sqs_queue_policy.task_events]
}

resource "aws_iam_role_policy" "task_events" {
  count = local.event_count

  name = "task-events"
  role = aws_iam_role.control_plane[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "Events"
      Effect   = "Allow"
      Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage"]
      Resource = [aws_sqs_queue.task_events[0].arn]
    }]
  })
}
