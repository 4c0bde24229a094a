terraform import skerry_workload_entry.web default/web
