terraform import skerry_trace.all-requests default/all-requests
