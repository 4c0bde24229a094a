data "skerry_trust_bundle" "default" {
  mesh = "default"
}

output "roots" {
  value = data.skerry_trust_bundle.default.pem
}
