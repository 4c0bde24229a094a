locals {
  name  = "skerry-${var.name}"
  count = var.create ? 1 : 0
  tags  = merge({ "skerry-workload" = var.name }, var.tags)
}

# --- The token by which its proxies may join as this workload and nothing else

ephemeral "skerry_workload_token" "this" {
  count = local.count

  mesh      = var.mesh
  zone      = var.zone_name
  workload  = var.name
  valid_for = var.token_valid_for
}

resource "azurerm_key_vault_secret" "token" {
  count = local.count

  name             = "${local.name}-token"
  key_vault_id     = var.key_vault_id
  content_type     = "text/plain"
  value_wo         = ephemeral.skerry_workload_token.this[0].token
  value_wo_version = var.token_version
  tags             = local.tags
}

# --- Who the machines are, and what they may: read that one secret

resource "azurerm_user_assigned_identity" "this" {
  count = local.count

  name                = local.name
  resource_group_name = var.resource_group_name
  location            = var.location
  tags                = local.tags
}

resource "azurerm_role_assignment" "token" {
  count = local.count

  scope                = azurerm_key_vault_secret.token[0].resource_versionless_id
  role_definition_name = "Key Vault Secrets User"
  principal_id         = azurerm_user_assigned_identity.this[0].principal_id
  principal_type       = "ServicePrincipal"
}

# --- The machines

locals {
  # Both answers are JSON of one line: the machine's own identity first, then the secret that it may read.
  fetch_token = join(" ", [
    "curl -fsS --retry 5 -H \"Authorization: Bearer $(curl -fsS --retry 5 -H Metadata:true",
    "'http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net&client_id=${var.create ? azurerm_user_assigned_identity.this[0].client_id : ""}'",
    "| sed -n 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/p')\"",
    "'${trimsuffix(var.key_vault_uri, "/")}/secrets/${local.name}-token?api-version=7.4'",
    "| sed -n 's/.*\"value\":\"\\([^\"]*\\)\".*/\\1/p'",
  ])
}

module "user_data" {
  source = "../cloud-init"

  install  = var.install
  commands = var.setup

  units = {
    proxy = {
      description = "Proxy of ${var.name}"
      command = concat(
        ["proxy", "run", "--cp", var.xds_address, "--token-file", "/run/skerry-proxy/token", "--mesh", var.mesh, "--service", var.name],
        flatten([for port in var.ports : ["--port", "${port.name}:${port.port}/${port.protocol}"]]),
        flatten([for port in var.ports : ["--inbound-port", tostring(port.inbound)]]),
        flatten([for port, service in var.outbounds : ["--outbound", "${service}=${port}"]]),
        var.http_proxy_port == null ? [] : ["--http-proxy-port", tostring(var.http_proxy_port)],
        ["--health", var.health, "--address", "auto", "--admin", "127.0.0.1:9901", "--data", "/var/lib/skerry/proxy", "--drain-timeout", "20s"],
      )
      secrets = { token = local.fetch_token }
    }
  }
}

resource "azurerm_linux_virtual_machine_scale_set" "this" {
  count = local.count

  name                            = local.name
  resource_group_name             = var.resource_group_name
  location                        = var.location
  sku                             = var.vm_size
  instances                       = var.size
  zones                           = var.zones
  zone_balance                    = length(var.zones) > 1
  admin_username                  = var.admin_username
  disable_password_authentication = true
  custom_data                     = base64encode(module.user_data.user_data)
  upgrade_mode                    = "Manual"
  tags                            = local.tags

  admin_ssh_key {
    username   = var.admin_username
    public_key = var.ssh_public_key
  }

  source_image_reference {
    publisher = var.image.publisher
    offer     = var.image.offer
    sku       = var.image.sku
    version   = var.image.version
  }

  os_disk {
    caching              = "ReadWrite"
    storage_account_type = "Premium_LRS"
  }

  network_interface {
    name                      = "primary"
    primary                   = true
    network_security_group_id = azurerm_network_security_group.this[0].id

    ip_configuration {
      name      = "primary"
      primary   = true
      subnet_id = var.subnet_id
    }
  }

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.this[0].id]
  }

  # It drains when the machine is told that it goes.
  termination_notification {
    enabled = true
    timeout = "PT5M"
  }

  depends_on = [azurerm_role_assignment.token]
}

# --- Who reaches them: proxies only, at the proxy only

resource "azurerm_network_security_group" "this" {
  count = local.count

  name                = local.name
  resource_group_name = var.resource_group_name
  location            = var.location
  tags                = local.tags

  security_rule {
    name                       = "callers"
    description                = "Proxies that call ${var.name}"
    priority                   = 100
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "Tcp"
    source_port_range          = "*"
    source_address_prefixes    = var.caller_address_prefixes
    destination_port_ranges    = [for port in var.ports : tostring(port.inbound)]
    destination_address_prefix = "*"
  }

  # Azure lets in a whole network by itself.
  security_rule {
    name                       = "nobody-else"
    priority                   = 4000
    direction                  = "Inbound"
    access                     = "Deny"
    protocol                   = "*"
    source_port_range          = "*"
    source_address_prefix      = "VirtualNetwork"
    destination_port_range     = "*"
    destination_address_prefix = "*"
  }
}
