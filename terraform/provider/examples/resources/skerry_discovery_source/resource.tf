resource "skerry_discovery_source" "shop-ecs" {
  mesh = "default"
  name = "shop-ecs"
  spec = {
    type = "ECS"
    aws = {
      regions = ["eu-central-1"]
      accounts = [
        {
          id       = "123456789012"
          role_arn = "arn:aws:iam::123456789012:role/skerry-discovery"
        },
      ]
    }
    credentials = {
      type = "Ambient"
    }
    include = [
      {
        match_labels = {
          mesh = "shop"
        }
      },
    ]
    mapping = {
      workload = ["service"]
      labels = [
        {
          from = "Team"
          to   = "team"
        },
      ]
    }
    defaults = {
      protocol = "http"
    }
  }
}
