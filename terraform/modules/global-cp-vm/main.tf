module "user_data" {
  source = "../cloud-init"

  install     = var.install
  packages    = var.packages
  data_device = var.data_device

  units = {
    global = {
      description = "Global control plane"
      command = concat(
        ["global", "run", "--data", "/var/lib/skerry/global", "--api", "0.0.0.0:5681", "--sync", "0.0.0.0:5685"],
        flatten([for name in var.api_names : ["--api-name", name]]),
        length(var.etcd_endpoints) == 0 ? [] : ["--store", "etcd", "--etcd-endpoints", join(",", var.etcd_endpoints), "--etcd-prefix", "/skerry/global"],
        var.admin_token_command == null ? [] : ["--admin-token-file", "/run/skerry-global/admin.token"],
      )
      secrets = var.admin_token_command == null ? {} : { "admin.token" = var.admin_token_command }
    }
  }
}
