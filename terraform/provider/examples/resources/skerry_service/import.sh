terraform import skerry_service.backend default/backend
