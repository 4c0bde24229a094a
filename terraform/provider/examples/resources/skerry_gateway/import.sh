terraform import skerry_gateway.edge default/edge
