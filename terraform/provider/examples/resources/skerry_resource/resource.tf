resource "skerry_resource" "requests" {
  kind = "MeshRateLimit"
  mesh = "default"
  name = "requests"
  spec = {
    targetRef = { kind = "Mesh" }
    rules = [{
      default = { local = { http = { requestRate = { num = 100, interval = "1s" } } } }
    }]
  }
}
