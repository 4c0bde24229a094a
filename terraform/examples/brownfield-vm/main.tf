# billing has run on a machine for years. Its machine and its place in the mesh come under Terraform as they are; nothing is installed on
# it: other services reach it through the gateway of its zone.

provider "aws" {
  region = "eu-central-1"
}

# A workload without a proxy is written in its zone.
provider "skerry" {
  endpoint = var.zone_endpoint
}

import {
  to = aws_instance.billing
  id = var.instance_id
}

resource "aws_instance" "billing" {
  ami           = "ami-0123456789abcdef0"
  instance_type = "m5.large"
  subnet_id     = "subnet-0a"
  tags          = { Name = "billing" }

  lifecycle {
    # What it was made of is history.
    ignore_changes = [ami, user_data]
  }
}

# Somebody entered it by hand; now it is here.
import {
  to = skerry_workload.billing
  id = "default/billing-1"
}

resource "skerry_workload" "billing" {
  mesh     = "default"
  name     = "billing-1"
  workload = "billing"
  address  = "10.0.3.7"
  ports    = [{ name = "main", port = 8080, protocol = "http" }]
  cloud    = "aws"
  region   = "eu-central-1"
}
