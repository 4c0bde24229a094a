# SQLite's file, and the directory by which the gateways get their token. One task at a time writes each.

resource "aws_efs_file_system" "this" {
  count = local.count

  encrypted  = true
  kms_key_id = var.kms_key_id
  tags       = merge(local.tags, { Name = local.name })
}

resource "aws_efs_backup_policy" "this" {
  count = local.count

  file_system_id = aws_efs_file_system.this[0].id

  backup_policy {
    status = "ENABLED"
  }
}

resource "aws_efs_mount_target" "this" {
  for_each = var.create ? { for index, subnet in var.subnet_ids : tostring(index) => subnet } : {}

  file_system_id  = aws_efs_file_system.this[0].id
  subnet_id       = each.value
  security_groups = [aws_security_group.storage[0].id]
}

resource "aws_efs_access_point" "this" {
  for_each = var.create ? toset(["data", "token"]) : []

  file_system_id = aws_efs_file_system.this[0].id
  tags           = merge(local.tags, { Name = "${local.name}-${each.key}" })

  # Whoever comes by this access point is this user and sees this directory.
  posix_user {
    uid = 1000
    gid = 1000
  }

  root_directory {
    path = "/${each.key}"

    creation_info {
      owner_uid   = 1000
      owner_gid   = 1000
      permissions = "0700"
    }
  }
}
