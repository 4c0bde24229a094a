output "user_data" {
  description = "User data for any VM with cloud-init and systemd."
  value       = "#cloud-config\n${yamlencode(local.cloud_config)}"
}
