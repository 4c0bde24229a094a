resource "skerry_traffic_permission" "web_to_payments" {
  name = "web-to-payments"
  spec = {
    target_ref = { kind = "Dataplane", labels = { app = "payments" } }
    rules = [{
      default = {
        allow = [{
          spiffe_id = { type = "Exact", value = provider::skerry::spiffe_id("default", "aws-1", "web") }
        }]
      }
    }]
  }
}
