import type { AdapterDeps, Listing, OpenAdapter, Scope, ScopeListing, Source } from '../adapter.ts'
import { openCluster } from '../kubernetes/cluster.ts'
import type { ClusterConnection } from '../kubernetes/connection.ts'

/** A Kubernetes cluster as its cloud lists it. */
export interface CloudCluster extends Scope {
  /** Where its API server is and what signs its certificate, as one text: when it changes, the cluster is connected to anew. */
  readonly reachedBy: string
  /** Asks the cloud for what the listing does not say, if anything. Throws SourceCallError. */
  connect(signal: AbortSignal): Promise<ClusterConnection>
}

export interface CloudClusterListing extends Omit<ScopeListing, 'scopes'> {
  readonly clusters: readonly CloudCluster[]
}

/** The clusters that a cloud runs for an account. */
export interface CloudClusters extends AsyncDisposable {
  /** Throws SourceCallError when nothing at all could be listed. */
  list(signal: AbortSignal): Promise<CloudClusterListing>
}

interface Connected {
  readonly reachedBy: string
  readonly cluster: Promise<OpenAdapter>
}

/**
 * What EKS, AKS and GKE have in common: the cloud says which clusters there are and how each is reached, and what runs in one its own API
 * server says. Each cluster is a scope.
 */
export function managedClusters(clouds: CloudClusters, source: Source, deps: AdapterDeps, open = openCluster): OpenAdapter {
  return new ManagedClusters(clouds, source, deps, open)
}

class ManagedClusters implements OpenAdapter {
  readonly #clouds: CloudClusters
  readonly #source: Source
  readonly #deps: AdapterDeps
  readonly #open: typeof openCluster
  /** By scope: as the cloud last told of them. */
  #known = new Map<string, CloudCluster>()
  readonly #connected = new Map<string, Connected>()

  constructor(clouds: CloudClusters, source: Source, deps: AdapterDeps, open: typeof openCluster) {
    this.#clouds = clouds
    this.#source = source
    this.#deps = deps
    this.#open = open
  }

  async scopes(signal: AbortSignal): Promise<ScopeListing> {
    const { complete, missing, clusters } = await this.#clouds.list(signal)
    const listed = new Map(clusters.map(cluster => [cluster.id, cluster]))
    // A cluster that an incomplete listing lacks is most likely still there, and its own API server still answers.
    this.#known = complete ? listed : new Map([...this.#known, ...listed])
    for (const [id, { reachedBy }] of this.#connected) {
      const cluster = this.#known.get(id)
      if (cluster === undefined || cluster.suspended !== undefined || cluster.reachedBy !== reachedBy) await this.#disconnect(id)
    }
    const scopes = clusters.map(({ id, identity, suspended, locality }) => ({
      id,
      locality,
      ...(identity === undefined ? {} : { identity }),
      ...(suspended === undefined ? {} : { suspended }),
    }))
    return { complete, missing, scopes }
  }

  list(scope: Scope, signal: AbortSignal): Promise<Listing> {
    return this.#with(scope, signal, cluster => cluster.list(scope, signal))
  }

  follow(...[scope, cursor, tell, signal]: Parameters<NonNullable<OpenAdapter['follow']>>): Promise<void> {
    return this.#with(scope, signal, async cluster => cluster.follow?.(scope, cursor, tell, signal))
  }

  confirm(scope: Scope, ids: readonly string[], signal: AbortSignal): ReturnType<NonNullable<OpenAdapter['confirm']>> {
    return this.#with(scope, signal, async cluster => (await cluster.confirm?.(scope, ids, signal)) ?? new Map())
  }

  count(scope: Scope, signal: AbortSignal): Promise<number | null> {
    return this.#with(scope, signal, async cluster => (await cluster.count?.(scope, signal)) ?? null)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#connected.keys()].map(id => this.#disconnect(id)))
    await this.#clouds[Symbol.asyncDispose]()
  }

  async #with<T>(scope: Scope, signal: AbortSignal, work: (cluster: OpenAdapter) => Promise<T>): Promise<T> {
    const cluster = await this.#connect(scope.id, signal)
    try {
      return await work(cluster)
    } catch (error) {
      // Its certificates may have been rotated, or its address may have moved: the cloud is asked for both again.
      const what = (error as { what?: string }).what
      if (what === 'denied' || what === 'unreachable') await this.#disconnect(scope.id)
      throw error
    }
  }

  #connect(id: string, signal: AbortSignal): Promise<OpenAdapter> {
    const connected = this.#connected.get(id)
    if (connected) return connected.cluster
    const cloudCluster = this.#known.get(id)
    if (!cloudCluster) throw new Error(`${id} was never listed`)
    const cluster = cloudCluster.connect(signal).then(connection => this.#open(connection, this.#source, this.#deps))
    const made = { reachedBy: cloudCluster.reachedBy, cluster }
    this.#connected.set(id, made)
    cluster.catch(() => {
      if (this.#connected.get(id) === made) this.#connected.delete(id)
    })
    return cluster
  }

  async #disconnect(id: string): Promise<void> {
    const connected = this.#connected.get(id)
    this.#connected.delete(id)
    const cluster = await connected?.cluster.catch(() => undefined)
    await cluster?.[Symbol.asyncDispose]()
  }
}
