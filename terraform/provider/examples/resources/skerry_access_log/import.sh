terraform import skerry_access_log.all-requests default/all-requests
