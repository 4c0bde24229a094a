data "skerry_meshes" "all" {}

output "meshes" {
  value = data.skerry_meshes.all.meshes[*].name
}
