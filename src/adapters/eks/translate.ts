/** As much of a cluster as is read. https://docs.aws.amazon.com/eks/latest/APIReference/API_Cluster.html */
export interface EksCluster {
  readonly name?: string | undefined
  readonly arn?: string | undefined
  readonly createdAt?: Date | undefined
  readonly status?: string | undefined
  readonly endpoint?: string | undefined
  readonly certificateAuthority?: { readonly data?: string | undefined } | undefined
}

/** Why nothing is asked of a cluster now; undefined: it can be. */
export function suspendedEks({ status, endpoint }: EksCluster): string | undefined {
  // A cluster that is updated serves as before.
  if (status !== 'ACTIVE' && status !== 'UPDATING') return `the cluster is ${status ?? 'in no known state'}`
  return endpoint ? undefined : 'the cluster has no endpoint'
}

/** What tells a cluster from one that was made again under its name. */
export function identityOfEks({ arn, createdAt }: EksCluster): string | undefined {
  return arn === undefined || createdAt === undefined ? undefined : `${arn} ${createdAt.toISOString()}`
}
