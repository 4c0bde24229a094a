terraform import skerry_dataplane.web-1 default/web-1
