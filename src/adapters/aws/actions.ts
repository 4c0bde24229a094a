/**
 * What each type of source calls, as IAM names it: the whole policy that a discovering role needs, and nothing beside it. `sts:GetCallerIdentity`
 * needs no permission. https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
 */
export const awsActions = {
  ECS: [
    'ecs:ListClusters',
    'ecs:DescribeClusters',
    'ecs:DescribeServices',
    'ecs:ListTasks',
    'ecs:DescribeTasks',
    'ecs:DescribeTaskDefinition',
    'ecs:DescribeContainerInstances',
    'ec2:DescribeInstances',
    // Of tasks on machines outside of AWS (ECS Anywhere).
    'ssm:DescribeInstanceInformation',
  ],
  CloudMap: [
    'servicediscovery:ListNamespaces',
    'servicediscovery:ListServices',
    'servicediscovery:DiscoverInstances',
    'servicediscovery:DiscoverInstancesRevision',
  ],
  EC2: ['ec2:DescribeInstances'],
  EKS: ['eks:ListClusters', 'eks:DescribeCluster'],
  Lambda: ['tag:GetResources', 'lambda:ListAliases', 'lambda:GetFunction', 'lambda:GetAccountSettings'],
  /** On the queue that `aws.events.queueUrl` names, beside what the type itself needs. */
  events: ['sqs:ReceiveMessage', 'sqs:DeleteMessage'],
  /** On the roles of `aws.accounts[].roleArn`. */
  assume: ['sts:AssumeRole'],
} as const satisfies Readonly<Record<string, readonly string[]>>
