import {
  to = skerry_timeout.imported
  id = provider::skerry::import_id("default", "slow")
}

resource "skerry_timeout" "imported" {
  name = "slow"
  spec = {
    to = [{
      target_ref = { kind = "Mesh" }
      default    = { connection_timeout = "10s" }
    }]
  }
}
