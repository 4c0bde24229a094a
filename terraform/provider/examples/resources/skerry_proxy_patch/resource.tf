resource "skerry_proxy_patch" "small-buffers" {
  mesh = "default"
  name = "small-buffers"
  spec = {
    default = {
      append_modifications = [
        {
          cluster = {
            operation = "Patch"
            value     = "per_connection_buffer_limit_bytes: 32768"
          }
        },
      ]
    }
  }
}
