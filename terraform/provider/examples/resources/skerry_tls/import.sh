terraform import skerry_tls.strict default/strict
