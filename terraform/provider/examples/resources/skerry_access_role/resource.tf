resource "skerry_access_role" "payments-owner" {
  name = "payments-owner"
  rules = [
    {
      access = ["READ", "INSPECT"]
      mesh   = "default"
    },
    {
      access = ["CREATE", "UPDATE", "DELETE"]
      types  = ["MeshHTTPRoute", "MeshLoadBalancingStrategy"]
      mesh   = "default"
    },
  ]
}
