data "skerry_control_plane" "global" {}

output "version" {
  value = data.skerry_control_plane.global.version
}
