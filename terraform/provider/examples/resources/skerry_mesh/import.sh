terraform import skerry_mesh.default default
