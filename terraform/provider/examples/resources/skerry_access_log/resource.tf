resource "skerry_access_log" "all-requests" {
  mesh = "default"
  name = "all-requests"
  spec = {
    rules = [
      {
        default = {
          backends = [
            {
              type = "File"
              file = {
                path = "/var/log/mesh.log"
              }
            },
          ]
        }
      },
    ]
  }
}
