resource "skerry_workload_entry" "web" {
  mesh = "default"
  name = "web"
}
