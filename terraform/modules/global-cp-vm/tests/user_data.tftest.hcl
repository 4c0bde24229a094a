run "a_machine_that_makes_its_own_admin_token" {
  assert {
    condition     = !strcontains(output.user_data, "--admin-token-file")
    error_message = "in its data directory"
  }
  assert {
    condition     = output.ports == { api = 5681, sync = 5685 }
    error_message = "what its firewall lets in"
  }
}

run "a_machine_that_fetches_it" {
  variables {
    admin_token_command = "print-token"
    api_names           = ["mesh.example.org"]
  }

  assert {
    condition     = strcontains(output.user_data, "'--admin-token-file' '/run/skerry-global/admin.token'") && strcontains(output.user_data, "'--api-name' 'mesh.example.org'")
    error_message = "out of a secret store, under its name"
  }
}
