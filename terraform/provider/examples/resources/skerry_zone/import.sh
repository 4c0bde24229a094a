terraform import skerry_zone.aws-1 aws-1
