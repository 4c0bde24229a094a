import { DescribeClusterCommand, EKSClient, ListClustersCommand } from '@aws-sdk/client-eks'
import { type Adapter, type AdapterDeps, type Source, SourceCallError } from '../adapter.ts'
import { AwsAccess } from '../aws/access.ts'
import { requireAnswer } from '../aws/answer.ts'
import type { Place } from '../aws/limits.ts'
import { freshToken } from '../managed-cluster/fresh-token.ts'
import { type CloudCluster, type CloudClusterListing, type CloudClusters, managedClusters } from '../managed-cluster/managed-cluster.ts'
import { drainPages } from '../paging.ts'
import { EKS_TOKEN_FRESH_MS, eksToken } from './token.ts'
import { type EksCluster, identityOfEks, suspendedEks } from './translate.ts'

/** Clusters of Amazon's Elastic Kubernetes Service, and what runs in them. */
export const eks: Adapter = {
  type: 'EKS',
  intervalMs: 5 * 60_000,
  open: async (source, deps) => managedClusters(new EksClusters(source, deps, await AwsAccess.open(source, deps)), source, deps),
}

class EksClusters implements CloudClusters {
  readonly #source: Source
  readonly #deps: AdapterDeps
  readonly #access: AwsAccess

  constructor(source: Source, deps: AdapterDeps, access: AwsAccess) {
    this.#source = source
    this.#deps = deps
    this.#access = access
  }

  async list(signal: AbortSignal): Promise<CloudClusterListing> {
    const { places, missing } = await this.#access.places(signal)
    const errors: SourceCallError[] = []
    const parts = await Promise.all(
      places.map(place =>
        this.#listOne(place, signal).catch((error: unknown) => {
          if (!(error instanceof SourceCallError)) throw error
          errors.push(error)
          return { clusters: [], missing: [`account ${place.account} in ${place.region}: ${error.message}`] }
        }),
      ),
    )
    if (errors.length > 0 && errors.length === places.length) throw errors[0]
    const all = [...missing, ...parts.flatMap(part => part.missing)]
    return { complete: all.length === 0, missing: all, clusters: parts.flatMap(part => part.clusters) }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#access[Symbol.asyncDispose]()
  }

  async #listOne(place: Place, signal: AbortSignal): Promise<{ clusters: CloudCluster[]; missing: readonly string[] }> {
    const client = this.#access.client(place, EKSClient)
    const { clusters: wanted } = this.#source.spec.aws ?? {}
    const names = await drainPages(
      async nextToken => {
        const command = new ListClustersCommand({ maxResults: 100, nextToken })
        const page = await this.#access.call(place, 'eks', 'eks:ListClusters', abortSignal => client.send(command, { abortSignal }), signal)
        return { items: requireAnswer(page.clusters, 'clusters', 'eks:ListClusters'), next: page.nextToken }
      },
      { what: `clusters of account ${place.account} in ${place.region}`, idOf: name => name },
    )
    const missing = [...names.missing]
    const clusters: CloudCluster[] = []
    for (const name of names.items.filter(it => wanted?.includes(it) ?? true)) {
      try {
        const command = new DescribeClusterCommand({ name })
        const { cluster } = await this.#access.call(
          place,
          'eks',
          'eks:DescribeCluster',
          abortSignal => client.send(command, { abortSignal }),
          signal,
        )
        clusters.push(this.#clusterOf(place, name, requireAnswer(cluster, 'cluster', 'eks:DescribeCluster')))
      } catch (error) {
        if (!(error instanceof SourceCallError)) throw error
        missing.push(`cluster ${name}: ${error.message}`)
      }
    }
    return { clusters, missing }
  }

  #clusterOf(place: Place, name: string, cluster: EksCluster): CloudCluster {
    const { account, region } = place
    const id = `aws/${account}/${region}/eks/${name}`
    const locality = { cloud: 'aws', account, region, cluster: name }
    const identity = identityOfEks(cluster)
    const suspended = suspendedEks(cluster)
    const caData = cluster.certificateAuthority?.data
    const credentials = this.#access.credentials(place)
    const make = () => eksToken({ cluster: name, region, credentials, now: new Date(this.#deps.clock.now()) })
    return {
      id,
      locality,
      ...(identity === undefined ? {} : { identity }),
      ...(suspended === undefined ? {} : { suspended }),
      reachedBy: `${cluster.endpoint} ${caData}`,
      connect: () =>
        Promise.resolve({
          id,
          locality,
          server: cluster.endpoint!,
          ...(caData === undefined ? {} : { caData }),
          credentials: { kind: 'token', token: freshToken(make, EKS_TOKEN_FRESH_MS, this.#deps.clock) },
        }),
    }
  }
}
