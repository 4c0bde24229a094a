resource "skerry_http_route" "backend-v2" {
  mesh = "default"
  name = "backend-v2"
  spec = {
    target_ref = {
      kind = "Dataplane"
      labels = {
        app = "web"
      }
    }
    to = [
      {
        target_ref = {
          kind = "MeshService"
          labels = {
            "kuma.io/display-name" = "backend"
          }
        }
        rules = [
          {
            matches = [
              {
                path = {
                  type  = "PathPrefix"
                  value = "/v2"
                }
              },
            ]
            default = {
              backend_refs = [
                {
                  kind = "MeshService"
                  labels = {
                    "kuma.io/display-name" = "backend-v2"
                  }
                  port = 80
                },
              ]
            }
          },
        ]
      },
    ]
  }
}
