locals {
  start_scripts = {
    for name, unit in var.units : "/opt/skerry/start/${name}" => templatefile("${path.module}/start.sh.tftpl", {
      command = join(" ", [for argument in unit.command : "'${replace(argument, "'", "'\\''")}'"])
    })
  }

  prepare_scripts = {
    for name, unit in var.units : "/opt/skerry/prepare/${name}" => templatefile("${path.module}/prepare.sh.tftpl", {
      name    = name
      secrets = unit.secrets
      prepare = unit.prepare
    })
  }

  unit_files = {
    for name, unit in var.units : "/etc/systemd/system/skerry-${name}.service" => templatefile("${path.module}/unit.service.tftpl", {
      name        = name
      description = unit.description
      after       = [for other in unit.after : "skerry-${other}.service"]
      stop_within = unit.stop_within
    })
  }

  # Secrets change where they are kept, and what was fetched ends: asked for again twice a day. Programs read them at each new connection.
  renewed = [for name in sort(keys(var.units)) : name if length(var.units[name].secrets) > 0]
  renewal_files = merge([
    for name in local.renewed : {
      "/etc/systemd/system/skerry-${name}-secrets.service" = templatefile("${path.module}/secrets.service.tftpl", { name = name })
      "/etc/systemd/system/skerry-${name}-secrets.timer"   = templatefile("${path.module}/secrets.timer.tftpl", { name = name })
    }
  ]...)

  files = concat(
    [for path, content in merge(local.start_scripts, local.prepare_scripts) : { path = path, permissions = "0755", content = content }],
    [for path, content in merge(local.unit_files, local.renewal_files, var.files) : { path = path, permissions = "0644", content = content }],
  )

  mount = var.data_device == null ? [] : [templatefile("${path.module}/mount.sh.tftpl", { device = var.data_device })]

  install = var.install == null ? [] : [templatefile("${path.module}/install.sh.tftpl", var.install)]

  cloud_config = {
    package_update = length(var.packages) > 0
    packages       = var.packages
    users          = ["default", { name = "skerry", system = true, shell = "/usr/sbin/nologin", no_create_home = true }]
    write_files    = local.files
    runcmd = concat(
      local.mount,
      ["install -d -o skerry -g skerry -m 0700 /var/lib/skerry"],
      local.install,
      var.commands,
      ["systemctl daemon-reload"],
      [for name in sort(keys(var.units)) : "systemctl enable --now skerry-${name}.service"],
      [for name in local.renewed : "systemctl enable --now skerry-${name}-secrets.timer"],
    )
  }
}
