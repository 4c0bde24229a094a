resource "skerry_zone" "aws-1" {
  name    = "aws-1"
  enabled = true
}
