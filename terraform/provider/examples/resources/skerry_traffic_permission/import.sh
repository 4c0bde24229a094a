terraform import skerry_traffic_permission.web-to-backend default/web-to-backend
