import type { CallLimit } from '../adapter.ts'

/** An account in a region: what AWS counts calls by, and what a source asks one after the other. */
export interface Place {
  /** 12 digits. */
  readonly account: string
  /** As `eu-central-1`. */
  readonly region: string
}

/** Other tools use the account too: a quarter of what it may do is ours. */
const share = 0.25

/**
 * What AWS allows an account in a region, by what it counts together: at once, and per second for long.
 * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html
 * https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
const allowed = {
  'ecs-cluster-read': { burst: 50, perSecond: 20 },
  'ecs-service-read': { burst: 100, perSecond: 20 },
  /** ListTasks, DescribeTasks and DescribeContainerInstances. */
  'ecs-cluster-resource-read': { burst: 100, perSecond: 20 },
  'ecs-task-definition-read': { burst: 50, perSecond: 20 },
  'ec2-read': { burst: 100, perSecond: 20 },
  eks: { burst: 10, perSecond: 10 },
  'lambda-get-function': { burst: 100, perSecond: 100 },
  /** All reads of the control plane but GetFunction; cannot be raised. */
  'lambda-read': { burst: 15, perSecond: 15 },
  tagging: { burst: 15, perSecond: 15 },
  'cloud-map-read': { burst: 20, perSecond: 10 },
  /** DescribeInstanceInformation; AWS does not say how many, and asks in its answers for fewer. */
  'ssm-read': { burst: 10, perSecond: 10 },
  sqs: { burst: 400, perSecond: 400 },
  sts: { burst: 100, perSecond: 100 },
} as const satisfies Readonly<Record<string, { readonly burst: number; readonly perSecond: number }>>

export type Bucket = keyof typeof allowed

/** Our share of what AWS allows in this place. */
export function limitOf(bucket: Bucket, { account, region }: Place): CallLimit {
  const { burst, perSecond } = allowed[bucket]
  return {
    key: `aws/${account}/${region}/${bucket}`,
    perSecond: perSecond * share,
    burst: Math.max(1, Math.floor(burst * share)),
  }
}
