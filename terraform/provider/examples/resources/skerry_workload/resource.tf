resource "skerry_workload" "payments" {
  name     = "payments-vm-1"
  workload = "payments"
  address  = "10.1.2.3"
  ports    = [{ port = 8080, name = "http", protocol = "http" }]
  cloud    = "gcp"
  region   = "europe-west4"
}

resource "skerry_workload" "receipts" {
  name     = "receipts"
  workload = "receipts"
  lambda = {
    arn     = "arn:aws:lambda:eu-central-1:123456789012:function:receipts"
    region  = "eu-central-1"
    payload = "http-2.0"
  }
}
