terraform import skerry_passthrough.web default/web
