variables {
  name             = "tftest-checkout"
  zone_name        = "aws-1"
  gateway_role_arn = "arn:aws:iam::123456789012:role/skerry-gateway"
  package          = { s3_bucket = "code", s3_key = "checkout.zip" }
}

run "is_found_by_its_tags_and_called_by_the_gateway_alone" {
  assert {
    condition     = aws_lambda_function.this[0].tags["skerry.io/expose"] == "true" && aws_lambda_function.this[0].tags["skerry.io/aliases"] == "live"
    error_message = "what discovery reads"
  }
  assert {
    condition     = aws_lambda_permission.gateway[0].principal == "arn:aws:iam::123456789012:role/skerry-gateway" && aws_lambda_permission.gateway[0].qualifier == "live"
    error_message = "one role, one alias"
  }
}

run "makes_nothing" {
  command = plan

  variables {
    create = false
  }

  assert {
    condition     = length(aws_lambda_function.this) == 0 && output.function_arn == null
    error_message = "create = false"
  }
}

run "code_from_two_places_is_refused" {
  command = plan

  variables {
    package = { file = "checkout.zip", s3_bucket = "code", s3_key = "checkout.zip" }
  }

  expect_failures = [var.package]
}
