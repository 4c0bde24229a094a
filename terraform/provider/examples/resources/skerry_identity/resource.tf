resource "skerry_identity" "identity" {
  mesh = "default"
  name = "identity"
  spec = {
    selector = {
      dataplane = {
        match_labels = {}
      }
    }
    provider = {
      type = "Bundled"
      bundled = {
        autogenerate = {
          enabled = true
        }
      }
    }
  }
}
