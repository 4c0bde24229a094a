terraform import skerry_fault_injection.slow-backend default/slow-backend
