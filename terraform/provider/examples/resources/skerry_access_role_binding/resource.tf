resource "skerry_access_role_binding" "payments-team" {
  name = "payments-team"
  subjects = [
    {
      type = "Group"
      name = "payments"
    },
  ]
  roles = ["mesh-admin"]
  mesh  = "default"
}
