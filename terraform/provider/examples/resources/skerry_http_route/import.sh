terraform import skerry_http_route.backend-v2 default/backend-v2
