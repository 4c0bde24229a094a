locals {
  # What each adapter calls, and nothing else.
  actions = {
    ECS = [
      "ecs:ListClusters", "ecs:DescribeClusters", "ecs:DescribeServices", "ecs:ListTasks", "ecs:DescribeTasks",
      "ecs:DescribeTaskDefinition", "ecs:DescribeContainerInstances", "ec2:DescribeInstances",
      "ssm:DescribeInstanceInformation",
    ]
    CloudMap = [
      "servicediscovery:ListNamespaces", "servicediscovery:ListServices", "servicediscovery:DiscoverInstances",
      "servicediscovery:DiscoverInstancesRevision",
    ]
    EC2    = ["ec2:DescribeInstances"]
    EKS    = ["eks:ListClusters", "eks:DescribeCluster"]
    Lambda = ["tag:GetResources", "lambda:ListAliases", "lambda:GetFunction", "lambda:GetAccountSettings"]
  }

  granted = sort(distinct(flatten([for source in var.sources : local.actions[source]])))

  # Lists cannot be narrowed to single things: the region is what can be said.
  policy = {
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Discover"
      Effect    = "Allow"
      Action    = local.granted
      Resource  = "*"
      Condition = { StringEquals = { "aws:RequestedRegion" = var.regions } }
    }]
  }
}
