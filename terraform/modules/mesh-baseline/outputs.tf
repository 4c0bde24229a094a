output "mesh" {
  description = "The mesh, for what belongs into it."
  value       = local.mesh
}
