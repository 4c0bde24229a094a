import { EDS } from '../../xds/resource-types.ts'
import type { CompiledCluster } from '../compile/cluster.ts'
import { compileEndpoints } from '../compile/endpoint.ts'
import type { DataPlane } from '../compile/table.ts'
import type { Subscriptions } from './subscriptions.ts'

/** Clusters and their endpoints: the data plane gets a cluster first, then its hosts. */
export class Clusters {
  readonly #data: DataPlane
  readonly #subscriptions: Subscriptions
  readonly #clusters = new Map<string, CompiledCluster>()
  /** Names of the clusters that take their hosts from a resource. */
  readonly #users = new Map<string, Set<string>>()
  /** The newest endpoints by resource name, as they came: a change of their cluster may change what they mean. */
  readonly #assignments = new Map<string, Uint8Array>()

  constructor(data: DataPlane, subscriptions: Subscriptions) {
    this.#data = data
    this.#subscriptions = subscriptions
  }

  set(cluster: CompiledCluster): void {
    const { name } = cluster.table
    const before = this.#clusters.get(name)
    this.#clusters.set(name, cluster)
    this.#data.setCluster(cluster.table)
    if (cluster.hosts.kind === 'static') this.#data.setEndpoints(cluster.hosts.endpoints)
    else this.#use(cluster, cluster.hosts.resource)
    if (before?.hosts.kind === 'eds' && !(cluster.hosts.kind === 'eds' && cluster.hosts.resource === before.hosts.resource)) {
      this.#release(name, before.hosts.resource)
    }
  }

  remove(name: string): void {
    const cluster = this.#clusters.get(name)
    if (!cluster) return
    this.#clusters.delete(name)
    this.#data.removeCluster(name)
    if (cluster.hosts.kind === 'eds') this.#release(name, cluster.hosts.resource)
  }

  /** Reasons to refuse; none = in force. */
  setEndpoints(resource: string, bytes: Uint8Array): readonly string[] {
    const reasons: string[] = []
    for (const name of this.#users.get(resource) ?? []) reasons.push(...this.#compile(this.#clusters.get(name)!, bytes))
    if (reasons.length === 0) this.#assignments.set(resource, bytes)
    return reasons
  }

  /** Do requests to it have somewhere to go, as far as the control plane knows? */
  isWarm(name: string): boolean {
    const hosts = this.#clusters.get(name)?.hosts
    return hosts !== undefined && (hosts.kind === 'static' || this.#assignments.has(hosts.resource))
  }

  /** Is this name of endpoints still wanted? */
  wantsEndpoints(resource: string): boolean {
    return this.#users.has(resource)
  }

  #use(cluster: CompiledCluster, resource: string): void {
    const users = this.#users.get(resource)
    if (users) users.add(cluster.table.name)
    else {
      // Only the first time: naming again what is subscribed would have it sent again.
      this.#users.set(resource, new Set([cluster.table.name]))
      this.#subscriptions.subscribe(EDS, [resource])
    }
    const assignment = this.#assignments.get(resource)
    if (assignment) this.#compile(cluster, assignment)
  }

  #release(name: string, resource: string): void {
    const users = this.#users.get(resource)
    users?.delete(name)
    if (users === undefined || users.size > 0) return
    this.#users.delete(resource)
    this.#assignments.delete(resource)
    this.#subscriptions.unsubscribe(EDS, [resource])
  }

  #compile(cluster: CompiledCluster, bytes: Uint8Array): readonly string[] {
    if (cluster.hosts.kind !== 'eds') return []
    const compiled = compileEndpoints(bytes, { cluster: cluster.table.name, localityWeighted: cluster.hosts.localityWeighted })
    if (compiled.kind === 'rejected') return compiled.reasons
    this.#data.setEndpoints(compiled.value)
    return []
  }
}
