variables {
  units = {
    proxy = {
      description = "Proxy"
      command     = ["proxy", "run", "--label", "owner=o'brien"]
      secrets     = { token = "print-token" }
    }
  }
}

run "is_a_cloud_config_with_a_unit_for_each_program" {
  assert {
    condition     = startswith(output.user_data, "#cloud-config\n")
    error_message = "what cloud-init looks for in the first line"
  }
  assert {
    condition = contains(
      [for file in yamldecode(output.user_data).write_files : file.path],
      "/etc/systemd/system/skerry-proxy.service",
    )
    error_message = "a unit"
  }
  assert {
    condition     = contains(yamldecode(output.user_data).runcmd, "systemctl enable --now skerry-proxy.service")
    error_message = "that is started"
  }
  assert {
    condition     = contains(yamldecode(output.user_data).runcmd, "systemctl enable --now skerry-proxy-secrets.timer")
    error_message = "and whose secrets are renewed"
  }
}

run "quotes_what_it_is_given" {
  assert {
    condition     = strcontains(one([for file in yamldecode(output.user_data).write_files : file.content if file.path == "/opt/skerry/start/proxy"]), "'owner=o'\\''brien'")
    error_message = "an argument stays one"
  }
}

run "a_program_over_http_is_refused" {
  command = plan

  variables {
    install = {
      url    = "http://example.org/skerry.tar.gz"
      sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
    }
  }

  expect_failures = [var.install]
}
