import type { ClientKind } from '../envoy/client-kind.ts'
import { proxyResources } from '../envoy/proxy-resources.ts'
import { typeUrls } from '../envoy/resources.ts'
import { virtualHostName } from '../envoy/route.ts'
import { splitHost } from '../model/hostname.ts'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { ProxyPlan } from '../policy/plan.ts'
import { Snapshot } from '../xds/snapshot.ts'
import type { EncodedCache } from './encoded-cache.ts'

/** One connected proxy: its plan, and what its ADS stream serves. */
export interface PlannedProxy {
  readonly mesh: string
  readonly name: string
  readonly snapshot: Snapshot
  /** null until its Dataplane is registered. */
  readonly plan: ProxyPlan | null
  /** Hosts that its application has asked its HTTP proxy port for: all of them, each time. */
  setHosts(hosts: ReadonlySet<string>): void
  /** Told by the ADS stream: the proxy now runs these versions. */
  acknowledged(type: string, versions: ReadonlyMap<string, string>): void
  close(): void
}

/** What the reconciler keeps of a connected proxy. */
export class ProxyState {
  readonly mesh: string
  readonly name: string
  /** In whose words it is told. */
  readonly client: ClientKind
  readonly snapshot = new Snapshot()
  hosts: ReadonlySet<string> = new Set()
  plan: ProxyPlan | null = null
  /** Display names of services that its Dataplane and hosts name, found or not. */
  names: ReadonlySet<string> = new Set()
  /** `<type> <name>` → the version that it runs. */
  readonly #acked = new Map<string, string>()
  /** Type and name of every resource in the snapshot, endpoints aside. */
  #published = new Map<string, { readonly type: string; readonly name: string }>()

  constructor(mesh: string, name: string, client: ClientKind) {
    this.mesh = mesh
    this.name = name
    this.client = client
  }

  /** Puts a new plan into its snapshot, in Envoy's words; the endpoints are filled in by others. */
  publish(plan: ProxyPlan, dataplane: Dataplane, cache: EncodedCache): void {
    this.plan = plan
    this.names = wantedNames(dataplane, this.hosts)
    const published = new Map<string, { type: string; name: string }>()
    for (const { type, name, bytes } of proxyResources(plan, this.client)) {
      this.snapshot.set(type, cache.encode(type, name, bytes))
      published.set(`${type} ${name}`, { type, name })
    }
    for (const host of this.hosts) {
      const name = virtualHostName('http_proxy', host)
      if (published.has(`${typeUrls.virtualHost} ${name}`)) continue
      this.snapshot.setMissing(typeUrls.virtualHost, name)
      published.set(`${typeUrls.virtualHost} ${name}`, { type: typeUrls.virtualHost, name })
    }
    for (const [key, { type, name }] of this.#published) {
      if (published.has(key)) continue
      this.snapshot.remove(type, name)
      this.#acked.delete(key)
      if (type === typeUrls.cluster) this.#acked.delete(`${typeUrls.endpoints} ${name}`)
    }
    this.#published = published
  }

  /** Does it check the certificates of peers? A zone gateway that passes bytes on does not. */
  get verifiesPeers(): boolean {
    const { plan } = this
    if (plan === null || plan.spiffeId === null) return false
    const accepts = plan.listeners.some(listener => listener.kind === 'inbound')
    return accepts || plan.clusters.some(cluster => cluster.kind === 'service' && cluster.tls !== null)
  }

  /** Has its application asked for one of these host names, with or without a port? */
  asksFor(hostnames: ReadonlySet<string>): boolean {
    for (const host of this.hosts) if (hostnames.has(splitHost(host)?.hostname ?? '')) return true
    return false
  }

  /** It runs these versions now. */
  acknowledged(type: string, versions: ReadonlyMap<string, string>): void {
    for (const [resource, version] of versions) this.#acked.set(`${type} ${resource}`, version)
  }

  /** The version of a resource that it runs; undefined = none that it has told of. */
  runs(type: string, resource: string): string | undefined {
    return this.#acked.get(`${type} ${resource}`)
  }

  /** The version of a resource that its snapshot has. */
  versionOf(type: string, resource: string): string | undefined {
    const current = this.snapshot.get(type, resource)
    return typeof current === 'object' ? current.version : undefined
  }
}

function wantedNames(dataplane: Dataplane, hosts: ReadonlySet<string>): Set<string> {
  const names = new Set<string>()
  for (const outbound of dataplane.spec.networking.outbound ?? []) {
    const name = outbound.backendRef.name ?? outbound.backendRef.labels?.['kuma.io/display-name']
    if (name) names.add(name)
  }
  for (const host of hosts) names.add(host.split('.')[0]!)
  return names
}
