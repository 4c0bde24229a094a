data "skerry_zone" "aws" {
  name = "aws-1"
}

check "zone_is_online" {
  assert {
    condition     = data.skerry_zone.aws.state == "online"
    error_message = "Zone aws-1 is ${data.skerry_zone.aws.state}."
  }
}
