resource "skerry_tcp_route" "database-replica" {
  mesh = "default"
  name = "database-replica"
  spec = {
    to = [
      {
        target_ref = {
          kind = "MeshService"
          labels = {
            "kuma.io/display-name" = "database"
          }
        }
        rules = [
          {
            default = {
              backend_refs = [
                {
                  kind = "MeshService"
                  labels = {
                    "kuma.io/display-name" = "database-replica"
                  }
                  port = 5432
                },
              ]
            }
          },
        ]
      },
    ]
  }
}
