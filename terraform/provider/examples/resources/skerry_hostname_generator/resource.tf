resource "skerry_hostname_generator" "local-services" {
  name = "local-services"
  spec = {
    selector = {
      mesh_service = {
        match_labels = {}
      }
    }
    template = "{{ .DisplayName }}.svc.mesh.local"
  }
}
