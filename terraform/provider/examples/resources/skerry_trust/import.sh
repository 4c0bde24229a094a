terraform import skerry_trust.aws-1 default/aws-1
