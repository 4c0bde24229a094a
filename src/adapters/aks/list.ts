import type { ContainerServiceClient, ManagedCluster } from '@azure/arm-containerservice'
import type { TokenCredential } from '@azure/identity'
import { type Adapter, type AdapterDeps, type CallLimit, type Source, SourceCallError } from '../adapter.ts'
import { azureCloud } from '../azure/cloud.ts'
import { azureCredential, azureToken } from '../azure/credential.ts'
import { resourceGroupOf } from '../azure/resource-id.ts'
import { sdkPolicies } from '../azure/sdk-policy.ts'
import { readCa } from '../http/ca.ts'
import type { ClusterConnection } from '../kubernetes/connection.ts'
import { freshToken } from '../managed-cluster/fresh-token.ts'
import { type CloudCluster, type CloudClusterListing, type CloudClusters, managedClusters } from '../managed-cluster/managed-cluster.ts'
import { type Drained, drainPages } from '../paging.ts'
import { aksAccess, suspendedAks } from './translate.ts'

/** Azure's own library keeps tokens until they end: this only spares it the question. ms */
const TOKEN_FRESH_MS = 60_000

/** Clusters of the Azure Kubernetes Service, and what runs in them. */
export const aks: Adapter = {
  type: 'AKS',
  intervalMs: 5 * 60_000,
  open: async (source, deps) => managedClusters(await AksClusters.open(source, deps), source, deps),
}

/** What ends calls now. */
interface Until {
  signal: AbortSignal
}

class AksClusters implements CloudClusters {
  readonly #source: Source
  readonly #deps: AdapterDeps
  readonly #credential: TokenCredential
  readonly #until: Until
  /** By subscription. */
  readonly #clients: ReadonlyMap<string, ContainerServiceClient>

  private constructor(
    source: Source,
    deps: AdapterDeps,
    credential: TokenCredential,
    until: Until,
    clients: ReadonlyMap<string, ContainerServiceClient>,
  ) {
    this.#source = source
    this.#deps = deps
    this.#credential = credential
    this.#until = until
    this.#clients = clients
  }

  static async open(source: Source, deps: AdapterDeps): Promise<AksClusters> {
    const { ContainerServiceClient } = await import('@azure/arm-containerservice')
    const { subscriptions = [], endpoint, caCert } = source.spec.azure ?? {}
    const cloud = azureCloud(endpoint)
    const [credential, ca] = await Promise.all([azureCredential(source, deps, cloud), readCa(caCert, deps)])
    const until: Until = { signal: new AbortController().signal }
    // The library's own errors of signing in would not be ours.
    const bearer: TokenCredential = {
      getToken: async scopes => ({
        token: await azureToken(credential, [scopes].flat()[0]!, until.signal),
        expiresOnTimestamp: deps.clock.now() + TOKEN_FRESH_MS,
      }),
    }
    const clients = subscriptions.map(subscription => {
      const options = {
        endpoint: cloud.endpoint,
        credentials: { scopes: [cloud.scope] },
        // Whether and when to try again, the budget knows, which all sources share.
        retryOptions: { maxRetries: 0 },
        additionalPolicies: sdkPolicies({ budget: deps.budget, limit: limitOf(subscription), ca, signal: () => until.signal }),
      }
      return [subscription, new ContainerServiceClient(bearer, subscription, options)] as const
    })
    return new AksClusters(source, deps, credential, until, new Map(clients))
  }

  async list(signal: AbortSignal): Promise<CloudClusterListing> {
    this.#until.signal = signal
    const clusters: CloudCluster[] = []
    const missing: string[] = []
    const errors: SourceCallError[] = []
    for (const [subscription, client] of this.#clients) {
      try {
        const drained = await this.#listOne(subscription, client, signal)
        missing.push(...drained.missing)
        clusters.push(
          ...drained.items.filter(cluster => this.#isWanted(cluster)).map(cluster => this.#clusterOf(subscription, client, cluster)),
        )
      } catch (error) {
        if (!(error instanceof SourceCallError)) throw error
        errors.push(error)
        missing.push(`subscription ${subscription}: ${error.message}`)
      }
    }
    if (errors.length > 0 && errors.length === this.#clients.size) throw errors[0]
    return { complete: missing.length === 0, missing, clusters }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #listOne(subscription: string, client: ContainerServiceClient, signal: AbortSignal): Promise<Drained<ManagedCluster>> {
    return drainPages(
      async from => {
        const pages = client.managedClusters.list({ abortSignal: signal }).byPage(from === undefined ? {} : { continuationToken: from })
        const { value: page, done } = await pages.next()
        if (done) return { items: [] }
        if (!Array.isArray(page)) throw new SourceCallError('garbled', `the managed clusters of subscription ${subscription} are no list`)
        return { items: page, next: page.continuationToken }
      },
      { what: `managed clusters of subscription ${subscription}`, idOf: cluster => (cluster.id ?? '').toLowerCase() },
    )
  }

  #isWanted({ id = '', name = '' }: ManagedCluster): boolean {
    const { resourceGroups, clusters } = this.#source.spec.azure ?? {}
    const group = resourceGroupOf(id).toLowerCase()
    return name !== '' && (clusters?.includes(name) ?? true) && (resourceGroups?.some(wanted => wanted.toLowerCase() === group) ?? true)
  }

  #clusterOf(subscription: string, client: ContainerServiceClient, cluster: ManagedCluster): CloudCluster {
    const { id = '', name = '', location, fqdn = '', privateFqdn = '', resourceUID } = cluster
    const group = resourceGroupOf(id)
    const suspended = suspendedAks(cluster)
    const locality = { cloud: 'azure', account: subscription, ...(location === undefined ? {} : { region: location }), cluster: name }
    // Names of resource groups are spelled as the caller pleases.
    const scope = `azure/${subscription}/${group.toLowerCase()}/aks/${name}`
    return {
      id: scope,
      locality,
      ...(resourceUID === undefined ? {} : { identity: resourceUID }),
      ...(suspended === undefined ? {} : { suspended }),
      reachedBy: `${fqdn} ${privateFqdn}`,
      connect: async signal => {
        const { kubeconfigs } = await client.managedClusters.listClusterUserCredentials(group, name, {
          format: 'exec',
          abortSignal: signal,
        })
        const kubeconfig = kubeconfigs?.[0]?.value
        if (!kubeconfig) throw new SourceCallError('garbled', `the cluster ${name} has no kubeconfig for users`)
        const { user, ...where } = aksAccess(new TextDecoder().decode(kubeconfig))
        return { id: scope, locality, ...where, credentials: this.#credentialsOf(user) }
      },
    }
  }

  #credentialsOf(user: ReturnType<typeof aksAccess>['user']): ClusterConnection['credentials'] {
    if (user.kind === 'certificate') return user
    if (user.kind === 'token') return { kind: 'token', token: () => Promise.resolve(user.token) }
    const make = () => azureToken(this.#credential, `${user.application}/.default`, AbortSignal.timeout(TOKEN_FRESH_MS))
    return { kind: 'token', token: freshToken(make, TOKEN_FRESH_MS, this.#deps.clock) }
  }
}

/** AKS lets a subscription list 500 times at once and then once in a second, and 60 times for other calls: this is a quarter of that. */
function limitOf(subscription: string): CallLimit {
  return { key: `azure/${subscription}/aks`, perSecond: 0.25, burst: 15 }
}
