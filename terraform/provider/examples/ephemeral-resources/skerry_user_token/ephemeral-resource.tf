ephemeral "skerry_user_token" "ci" {
  name      = "ci"
  groups    = ["payments-team"]
  valid_for = "30m"
}
