terraform import skerry_access_role.payments-owner payments-owner
