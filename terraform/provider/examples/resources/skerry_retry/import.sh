terraform import skerry_retry.backend default/backend
