import type { DataPlaneKind } from '../envoy/client-kind.ts'
import { calledNames } from '../envoy/grpc/names.ts'
import { proxyResources, trustResources } from '../envoy/proxy-resources.ts'
import { typeUrls } from '../envoy/resources.ts'
import { virtualHostName } from '../envoy/route.ts'
import { splitHost } from '../model/hostname.ts'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import { parseKri } from '../model/kri.ts'
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
  /** What its application has asked for by name – hosts of its HTTP proxy port, listeners of a gRPC application –: all of it, each time. */
  setAsked(names: ReadonlySet<string>): void
  /** Told by the ADS stream: the proxy now runs these versions. */
  acknowledged(type: string, versions: ReadonlyMap<string, string>): void
  close(): void
}

/** In what a client differs from others of its kind. */
export interface Wishes {
  readonly scope?: 'all' | 'trust'
  readonly learnsHosts?: boolean
}

/** What the reconciler keeps of a connected proxy. */
export class ProxyState {
  readonly mesh: string
  readonly name: string
  /** In whose words it is told. */
  readonly client: DataPlaneKind
  /** `trust`: of its configuration it wants the bundles alone. */
  readonly scope: 'all' | 'trust'
  /** Not every Envoy can learn hosts when they are first asked for. */
  readonly learnsHosts: boolean
  readonly snapshot = new Snapshot()
  /** What its application has asked for by name. */
  asked: ReadonlySet<string> = new Set()
  plan: ProxyPlan | null = null
  /** Display names of services that its Dataplane and hosts name, found or not. */
  names: ReadonlySet<string> = new Set()
  /** Type → name → the version that it runs. */
  readonly #acked = new Map<string, Map<string, string>>()
  /** Type and name of every resource in the snapshot, endpoints aside. */
  #published: Names = new Map()

  constructor(mesh: string, name: string, client: DataPlaneKind, { scope = 'all', learnsHosts = true }: Wishes = {}) {
    this.mesh = mesh
    this.name = name
    this.client = client
    this.scope = scope
    this.learnsHosts = learnsHosts
  }

  /** Names of services among what its application has asked for. */
  get hosts(): ReadonlySet<string> {
    return this.client === 'grpc' ? calledNames(this.asked) : this.asked
  }

  /** Puts a new plan into its snapshot, in Envoy's words; the endpoints are filled in by others. */
  publish(plan: ProxyPlan, dataplane: Dataplane, cache: EncodedCache): void {
    this.plan = plan
    this.names = wantedNames(dataplane, this.hosts)
    const published: Names = new Map()
    const resources = this.scope === 'trust' ? trustResources(plan) : proxyResources(plan, this.client, this)
    for (const resource of resources) {
      this.snapshot.set(resource.type, cache.encodeOf(resource))
      add(published, resource)
    }
    for (const asked of this.asked) {
      const answer = this.#answerTo(asked)
      if (published.get(answer.type)?.has(answer.name)) continue
      this.snapshot.setMissing(answer.type, answer.name)
      add(published, answer)
    }
    for (const [type, names] of this.#published) {
      for (const name of names) {
        if (published.get(type)?.has(name)) continue
        this.snapshot.remove(type, name)
        this.#acked.get(type)?.delete(name)
        if (type === typeUrls.cluster) this.#acked.get(typeUrls.endpoints)?.delete(name)
      }
    }
    this.#published = published
  }

  /** Does it check the certificates of peers? A zone gateway that only passes bytes on does not. */
  get verifiesPeers(): boolean {
    const { plan } = this
    if (plan === null || plan.spiffeId === null) return false
    if (this.scope === 'trust') return true
    const accepts = plan.listeners.some(listener => listener.kind === 'inbound' || listener.kind === 'agentless')
    return accepts || plan.clusters.some(cluster => cluster.kind === 'service' && cluster.tls !== null)
  }

  /** Has its application asked for one of these host names, with or without a port? */
  asksFor(hostnames: ReadonlySet<string>): boolean {
    for (const host of this.hosts) if (hostnames.has(splitHost(host)?.hostname ?? '')) return true
    return false
  }

  /** The resource that says what a name stands for that its application has asked for. */
  #answerTo(asked: string): { readonly type: string; readonly name: string } {
    return this.client === 'grpc'
      ? { type: typeUrls.listener, name: asked }
      : { type: typeUrls.virtualHost, name: virtualHostName('http_proxy', asked) }
  }

  /** It runs these versions now. */
  acknowledged(type: string, versions: ReadonlyMap<string, string>): void {
    const acked = this.#acked.get(type) ?? new Map<string, string>()
    this.#acked.set(type, acked)
    for (const [resource, version] of versions) acked.set(resource, version)
  }

  /** The version of a resource that it runs; undefined = none that it has told of. */
  runs(type: string, resource: string): string | undefined {
    return this.#acked.get(type)?.get(resource)
  }

  /** The version of a resource that its snapshot has. */
  versionOf(type: string, resource: string): string | undefined {
    const current = this.snapshot.get(type, resource)
    return typeof current === 'object' ? current.version : undefined
  }
}

/** Type → names. */
type Names = Map<string, Set<string>>

function add(names: Names, { type, name }: { readonly type: string; readonly name: string }): void {
  const ofType = names.get(type)
  if (ofType) ofType.add(name)
  else names.set(type, new Set([name]))
}

function wantedNames(dataplane: Dataplane, hosts: ReadonlySet<string>): Set<string> {
  const names = new Set<string>()
  for (const outbound of dataplane.spec.networking.outbound ?? []) {
    const name = outbound.backendRef.name ?? outbound.backendRef.labels?.['kuma.io/display-name']
    if (name) names.add(name)
  }
  for (const host of hosts) names.add(parseKri(host)?.name ?? host.split(/[.:]/)[0]!)
  return names
}
