terraform import skerry_metric.all default/all
