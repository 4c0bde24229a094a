variables {
  name                    = "tftest-ledger"
  zone_name               = "azure-1"
  xds_address             = "zone.example:5678"
  ports                   = [{ port = 8080, inbound = 15006 }]
  caller_address_prefixes = ["10.1.0.0/16"]
  resource_group_name     = "shop"
  location                = "westeurope"
  subnet_id               = "subnet"
  key_vault_id            = "vault"
  key_vault_uri           = "https://shop.vault.azure.net/"
  ssh_public_key          = "ssh-ed25519 AAAA"
}

run "machines_with_a_proxy" {
  assert {
    condition     = azurerm_key_vault_secret.token[0].value_wo == null
    error_message = "the token is in the vault alone"
  }
  assert {
    condition     = azurerm_role_assignment.token[0].scope == azurerm_key_vault_secret.token[0].resource_versionless_id
    error_message = "they may read their token, and no other"
  }
  assert {
    condition     = strcontains(base64decode(azurerm_linux_virtual_machine_scale_set.this[0].custom_data), "https://shop.vault.azure.net/secrets/skerry-tftest-ledger-token?")
    error_message = "where they fetch it"
  }
}

run "makes_nothing" {
  command = plan

  variables {
    create = false
  }

  assert {
    condition     = length(azurerm_linux_virtual_machine_scale_set.this) == 0 && output.token_secret == null
    error_message = "create = false"
  }
}

run "bad_values_are_refused" {
  command = plan

  variables {
    ssh_public_key = "secret"
    key_vault_uri  = "shop"
  }

  expect_failures = [var.ssh_public_key, var.key_vault_uri]
}
