resource "skerry_trust" "aws-1" {
  mesh = "default"
  name = "aws-1"
  spec = {
    trust_domain = "default.aws-1.mesh.local"
    ca_bundles = [
      {
        type = "Pem"
        pem = {
          value = "-----BEGIN CERTIFICATE-----\nMIIB...\n-----END CERTIFICATE-----\n"
        }
      },
    ]
  }
}
