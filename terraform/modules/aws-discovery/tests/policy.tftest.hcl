run "allows_what_is_looked_for_and_nothing_else" {
  variables {
    sources = ["EC2", "EKS"]
    regions = ["eu-central-1"]
  }

  assert {
    condition     = output.actions == tolist(["ec2:DescribeInstances", "eks:DescribeCluster", "eks:ListClusters"])
    error_message = "the actions of both, each once"
  }
  assert {
    condition     = jsondecode(output.policy).Statement[0].Condition.StringEquals["aws:RequestedRegion"] == ["eu-central-1"]
    error_message = "in this region only"
  }
}

run "nothing_where_nothing_is_looked_for" {
  variables {
    regions = ["eu-central-1"]
  }

  assert {
    condition     = output.policy == null
    error_message = "no policy"
  }
}

run "an_unknown_source_is_refused" {
  command = plan

  variables {
    sources = ["EC3"]
    regions = ["eu-central-1"]
  }

  expect_failures = [var.sources]
}
