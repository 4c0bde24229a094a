output "user_data" {
  value = provider::skerry::vm_user_data({
    control_plane = "zone-gcp.example.com:5678"
    service       = "payments"
    ports         = ["8080/http"]
    labels        = { team = "pay" }
    token_command = "gcloud secrets versions access latest --secret=payments-token"
  })
}
