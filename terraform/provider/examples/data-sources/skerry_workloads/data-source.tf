data "skerry_workloads" "aws" {
  mesh = "default"
  zone = "aws-1"
}
