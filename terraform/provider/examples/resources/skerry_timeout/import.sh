terraform import skerry_timeout.slow-backend default/slow-backend
