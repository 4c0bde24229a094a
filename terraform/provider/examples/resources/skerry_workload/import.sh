terraform import skerry_workload.payments default/payments-vm-1
