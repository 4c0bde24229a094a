import { envoyResources, typeUrls } from '../envoy/resources.ts'
import { virtualHostName } from '../envoy/route.ts'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { ServiceCapacity } from '../model/kinds/service-capacity.ts'
import type { ResourceKey } from '../model/resource.ts'
import type { InstanceState } from '../policy/endpoints.ts'
import type { EndpointSet, EndpointSetRef, ProxyPlan } from '../policy/plan.ts'
import { planProxy } from '../policy/plan-proxy.ts'
import { MeshView, type ServiceView, type ViewChange } from '../policy/view.ts'
import type { ChangeBatch, ResourceChange } from '../registry/change-batch.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import { Snapshot } from '../xds/snapshot.ts'
import { Conditions } from './conditions.ts'
import { EncodedCache } from './encoded-cache.ts'
import { EndpointSets } from './endpoint-sets.ts'

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

interface ProxyState {
  readonly mesh: string
  readonly name: string
  readonly snapshot: Snapshot
  hosts: ReadonlySet<string>
  plan: ProxyPlan | null
  /** Display names of services that its Dataplane and hosts name, found or not. */
  names: Set<string>
  /** Type and name of every resource in the snapshot, endpoints aside. */
  published: Map<string, { type: string; name: string }>
  /** `<type> <name>` → the version that it runs. */
  readonly acked: Map<string, string>
}

/**
 * Keeps every connected proxy's snapshot true to the registry and the live facts. A change is traced to what it touches – an endpoint
 * to the sets of its services and their subscribers, a service to its callers, a policy to the proxies of its mesh – and only that is
 * planned and encoded again, in one pass over all changes that came together.
 */
export class Reconciler {
  readonly #zone: string
  readonly #log: Log
  readonly #cache = new EncodedCache()
  readonly #views = new Map<string, MeshView>()
  readonly #proxies = new Map<string, Set<ProxyState>>()
  readonly #endpoints: EndpointSets<ProxyState>
  readonly #dirtyProxies = new Set<ProxyState>()
  readonly #acknowledgements: Conditions
  readonly #unsubscribe: () => void
  #scheduled = false

  constructor(options: { registry: Registry; zone: string; stateOf: InstanceState; clock: Clock; log: Log }) {
    this.#zone = options.zone
    this.#log = options.log
    this.#acknowledgements = new Conditions(options.clock)
    const view = (mesh: string) => this.view(mesh)
    this.#endpoints = new EndpointSets({ view, stateOf: options.stateOf, cache: this.#cache, log: options.log })
    const initial = [...options.registry.all()].map<ResourceChange>(resource => ({ kind: 'put', resource }))
    this.#apply({ revision: options.registry.revision, changes: initial })
    this.#unsubscribe = options.registry.onChange(batch => this.#apply(batch))
  }

  close(): void {
    this.#unsubscribe()
  }

  view(mesh: string): MeshView {
    let view = this.#views.get(mesh)
    if (!view) {
      view = MeshView.empty(mesh, this.#zone)
      this.#views.set(mesh, view)
    }
    return view
  }

  /** The plan that a proxy has, or would have if it were connected; null = no such Dataplane. */
  plan(mesh: string, name: string): ProxyPlan | null {
    const [connected] = this.#proxies.get(`${mesh}/${name}`) ?? []
    if (connected?.plan) return connected.plan
    const dataplane = this.view(mesh).get('Dataplane', name)
    return dataplane ? planProxy(this.view(mesh), dataplane) : null
  }

  endpoints(mesh: string, ref: EndpointSetRef): EndpointSet {
    return this.#endpoints.value(mesh, ref)
  }

  /** A proxy's ADS stream opens. Its snapshot is filled at once, or as soon as its Dataplane is registered. */
  open(mesh: string, name: string): PlannedProxy {
    const state: ProxyState = {
      mesh,
      name,
      snapshot: new Snapshot(),
      hosts: new Set(),
      plan: null,
      names: new Set(),
      published: new Map(),
      acked: new Map(),
    }
    const key = `${mesh}/${name}`
    const states = this.#proxies.get(key) ?? new Set()
    this.#proxies.set(key, states.add(state))
    try {
      this.#replan(state)
    } catch (error) {
      // With nothing in its snapshot a proxy that returns would drop all that it has.
      this.#close(state)
      throw error
    }
    return {
      mesh,
      name,
      snapshot: state.snapshot,
      get plan() {
        return state.plan
      },
      setHosts: hosts => {
        state.hosts = hosts
        this.#markProxy(state)
      },
      acknowledged: (type, versions) => {
        for (const [resource, version] of versions) state.acked.set(`${type} ${resource}`, version)
        this.#acknowledgements.changed()
      },
      close: () => this.#close(state),
    }
  }

  /** An instance's readiness changed, which is in no resource. */
  readinessChanged(mesh: string, name: string): void {
    const view = this.view(mesh)
    const dataplane = view.get('Dataplane', name)
    if (!dataplane) return
    for (const service of view.servicesSelecting(dataplane)) this.#touchEndpoints(view, service)
    this.#schedule()
  }

  /** Resolves with true when every proxy that calls this instance runs the endpoints as they are now, or as they became since; with false after `timeoutMs`. */
  callersKnow(mesh: string, name: string, timeoutMs: number): Promise<boolean> {
    this.#flush()
    const view = this.view(mesh)
    const dataplane = view.get('Dataplane', name)
    if (!dataplane) return Promise.resolve(true)
    const services = view.servicesSelecting(dataplane).flatMap(service => [service, ...view.unionsOf(service)])
    const awaited = services
      .flatMap(service => [...this.#endpoints.subscribersOf(mesh, service.key)])
      .filter(({ subscriber }) => subscriber.name !== name)
      .map(({ subscriber, cluster }) => ({ subscriber, cluster, version: versionOf(subscriber, cluster) }))
    const isKnown = ({ subscriber, cluster, version }: (typeof awaited)[number]) => {
      const runs = subscriber.acked.get(`${typeUrls.endpoints} ${cluster}`)
      // What came after it was sent together with it.
      return runs === version || runs === versionOf(subscriber, cluster) || !this.#isOpen(subscriber)
    }
    return this.#acknowledgements.until(() => awaited.every(isKnown), timeoutMs)
  }

  /** Whether a proxy runs the newest version of one of its resources. */
  hasAcknowledged(mesh: string, name: string, type: string, resource: string): boolean {
    for (const state of this.#proxies.get(`${mesh}/${name}`) ?? []) {
      const current = state.snapshot.get(type, resource)
      if (current && current !== 'missing' && state.acked.get(`${type} ${resource}`) === current.version) return true
    }
    return false
  }

  #apply(batch: ChangeBatch): void {
    const byMesh = new Map<string, ResourceChange[]>()
    for (const change of batch.changes) {
      const key = change.kind === 'put' ? change.resource : change.key
      if (!MeshView.isViewKind(key.kind)) continue
      const changes = byMesh.get(key.mesh)
      if (changes) changes.push(change)
      else byMesh.set(key.mesh, [change])
    }
    for (const [mesh, changes] of byMesh) {
      const before = this.view(mesh)
      const after = before.with(changes as readonly ViewChange[], batch.revision)
      this.#views.set(mesh, after)
      for (const change of changes) this.#touch(before, after, change)
    }
    if (byMesh.size > 0) this.#schedule()
  }

  #touch(before: MeshView, after: MeshView, change: ResourceChange): void {
    const key: ResourceKey = change.kind === 'put' ? change.resource : change.key
    switch (key.kind) {
      case 'Dataplane': {
        for (const state of this.#proxies.get(`${key.mesh}/${key.name}`) ?? []) this.#dirtyProxies.add(state)
        for (const view of [before, after]) {
          const dataplane = view.get('Dataplane', key.name)
          if (dataplane) for (const service of view.servicesSelecting(dataplane)) this.#touchEndpoints(after, service)
        }
        return
      }
      case 'MeshService':
      case 'MeshMultiZoneService': {
        const id = `${key.kind}/${key.name}`
        for (const view of [before, after]) {
          const service = view.services.get(id)
          if (!service) continue
          this.#touchEndpoints(after, service)
          if (!sameDefinition(before.services.get(id), after.services.get(id))) this.#touchCallers(view, service)
        }
        return
      }
      case 'ServiceCapacity': {
        const resource = (change.kind === 'put' ? change.resource : change.previous) as ServiceCapacity
        const zone = after.zoneOf(resource)
        for (const service of after.servicesNamed(resource.spec.service)) if (service.zone === zone) this.#touchEndpoints(after, service)
        return
      }
      case 'MeshZoneAddress': {
        const zone = after.zoneOf(change.kind === 'put' ? change.resource : change.previous)
        for (const service of after.services.values()) if (service.zone === zone) this.#touchEndpoints(after, service)
        return
      }
      case 'MeshTrust':
        // Whose bundle it is says its trust domain, which services of any zone may name.
        this.#markMesh(key.mesh)
        for (const service of after.services.values()) this.#touchEndpoints(after, service)
        return
      default:
        this.#markMesh(key.mesh)
    }
  }

  /** The endpoints of a service, and of what unites it with others, have to be looked at again. */
  #touchEndpoints(view: MeshView, service: ServiceView): void {
    for (const { key } of [service, ...view.unionsOf(service)]) this.#endpoints.touch(view.mesh, key)
  }

  /** Whoever calls a service, or wants to, or lets others in to it, is planned again. */
  #touchCallers(view: MeshView, service: ServiceView): void {
    for (const { key } of [service, ...view.unionsOf(service)]) {
      for (const { subscriber } of this.#endpoints.subscribersOf(view.mesh, key)) this.#dirtyProxies.add(subscriber)
    }
    for (const states of this.#proxies.values()) {
      for (const state of states) {
        if (state.mesh !== view.mesh) continue
        if (state.names.has(service.displayName) || state.plan?.role === 'zone-gateway' || (state.plan?.warnings.length ?? 0) > 0)
          this.#dirtyProxies.add(state)
      }
    }
  }

  #markMesh(mesh: string): void {
    for (const states of this.#proxies.values()) for (const state of states) if (state.mesh === mesh) this.#dirtyProxies.add(state)
  }

  #markProxy(state: ProxyState): void {
    this.#dirtyProxies.add(state)
    this.#schedule()
  }

  /** Changes of one turn of the event loop are one pass; the first one waits for nothing else. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    for (const state of this.#dirtyProxies) {
      if (!this.#isOpen(state)) continue
      try {
        this.#replan(state)
      } catch (error) {
        this.#log.error('a proxy could not be planned; it keeps what it has', { mesh: state.mesh, proxy: state.name, error })
      }
    }
    this.#dirtyProxies.clear()
    this.#endpoints.refill()
  }

  #replan(state: ProxyState): void {
    const view = this.view(state.mesh)
    const dataplane = view.get('Dataplane', state.name)
    if (!dataplane) return
    const plan = planProxy(view, dataplane, state.hosts)
    state.plan = plan
    state.names = wantedNames(dataplane, state.hosts)
    const endpoints = plan.clusters.flatMap(cluster => (cluster.kind === 'service' ? [[cluster.name, cluster.endpoints] as const] : []))
    this.#endpoints.subscribe(state, state.mesh, new Map(endpoints))
    const published = new Map<string, { type: string; name: string }>()
    for (const { type, name, bytes } of envoyResources(plan, 'skerry')) {
      state.snapshot.set(type, this.#cache.encode(type, name, bytes))
      published.set(`${type} ${name}`, { type, name })
    }
    for (const host of state.hosts) {
      const name = virtualHostName('http_proxy', host)
      if (published.has(`${typeUrls.virtualHost} ${name}`)) continue
      state.snapshot.setMissing(typeUrls.virtualHost, name)
      published.set(`${typeUrls.virtualHost} ${name}`, { type: typeUrls.virtualHost, name })
    }
    for (const [key, { type, name }] of state.published) {
      if (published.has(key)) continue
      state.snapshot.remove(type, name)
      state.acked.delete(key)
      if (type === typeUrls.cluster) state.acked.delete(`${typeUrls.endpoints} ${name}`)
    }
    state.published = published
  }

  #close(state: ProxyState): void {
    const key = `${state.mesh}/${state.name}`
    const states = this.#proxies.get(key)
    if (!states?.delete(state)) return
    if (states.size === 0) this.#proxies.delete(key)
    this.#dirtyProxies.delete(state)
    this.#endpoints.unsubscribe(state)
    this.#acknowledgements.changed()
  }

  #isOpen(state: ProxyState): boolean {
    return this.#proxies.get(`${state.mesh}/${state.name}`)?.has(state) ?? false
  }
}

/** Of the endpoints that its snapshot has for a cluster. */
function versionOf({ snapshot }: ProxyState, cluster: string): string | undefined {
  const endpoints = snapshot.get(typeUrls.endpoints, cluster)
  return typeof endpoints === 'object' ? endpoints.version : undefined
}

/** Equal in everything that a caller's plan is made of: only who stands behind it may differ. */
function sameDefinition(a: ServiceView | undefined, b: ServiceView | undefined): boolean {
  if (!a || !b) return false
  const text = ({ resource }: ServiceView) => JSON.stringify([resource.labels, { ...resource.spec, state: undefined }])
  return text(a) === text(b)
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
