import type { DataPlaneKind } from '../envoy/client-kind.ts'
import { typeUrls } from '../envoy/resources.ts'
import { trustSecret } from '../envoy/tls.ts'
import { isZoneIngress } from '../model/kinds/dataplane.ts'
import { agentlessKey, agentlessOf } from '../policy/agentless.ts'
import type { GatewayServes, InstanceState, ZoneDoubt } from '../policy/endpoints.ts'
import { type ResolveHost, resolveHost, resolveName } from '../policy/host.ts'
import type { EndpointSet, EndpointSetRef, ProxyPlan } from '../policy/plan.ts'
import { planProxy } from '../policy/plan-proxy.ts'
import type { ServiceView } from '../policy/service-index.ts'
import { MeshView, type ViewChange } from '../policy/view.ts'
import type { ChangeBatch, ResourceChange } from '../registry/change-batch.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock, Timer } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import { Conditions } from './conditions.ts'
import { EncodedCache } from './encoded-cache.ts'
import { EndpointSets } from './endpoint-sets.ts'
import { type PlannedProxy, ProxyState, type Wishes } from './planned-proxy.ts'
import { type Touched, traceChange } from './trace-change.ts'
import type { TrustCounts } from './trust/trust-counts.ts'

interface Options {
  readonly registry: Registry
  readonly zone: string
  readonly stateOf: InstanceState
  /** Why other zones are not to be relied on in a mesh. */
  readonly doubt: (mesh: string) => ZoneDoubt
  /** Absent = every zone gateway answers for all that it should. */
  readonly serves?: (mesh: string) => GatewayServes
  readonly trust: TrustCounts
  readonly clock: Clock
  readonly log: Log
}

/** How long proxies are planned without looking up. ms */
const SLICE_MS = 10

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
  readonly #trust: TrustCounts
  readonly #dirtyProxies = new Set<ProxyState>()
  readonly #acknowledgements: Conditions
  readonly #unsubscribe: () => void
  readonly #clock: Clock
  #scheduled = false
  #nextSlice: Timer | null = null

  constructor(options: Options) {
    this.#zone = options.zone
    this.#log = options.log
    this.#trust = options.trust
    this.#clock = options.clock
    this.#acknowledgements = new Conditions(options.clock)
    const view = (mesh: string) => this.view(mesh)
    this.#endpoints = new EndpointSets({
      view,
      stateOf: options.stateOf,
      doubt: options.doubt,
      serves: options.serves ?? (() => () => true),
      cache: this.#cache,
      log: options.log,
    })
    const initial = [...options.registry.all()].map<ResourceChange>(resource => ({ kind: 'put', resource }))
    this.#apply({ revision: options.registry.revision, changes: initial })
    this.#unsubscribe = options.registry.onChange(batch => this.#apply(batch))
  }

  close(): void {
    this.#nextSlice?.cancel()
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
    const connected = [...(this.#proxies.get(`${mesh}/${name}`) ?? [])]
    const [only] = connected
    if (connected.length === 1 && only?.plan) return only.plan
    const dataplane = this.view(mesh).get('Dataplane', name)
    if (!dataplane) return null
    // Of a gRPC application each channel has a stream of its own, and asks for its own service.
    const hosts = new Set(connected.flatMap(state => [...state.hosts]))
    return planProxy(this.view(mesh), dataplane, hosts, resolverOf(connected.find(state => state.scope === 'all')?.client))
  }

  endpoints(mesh: string, ref: EndpointSetRef): EndpointSet {
    return this.#endpoints.value(mesh, ref)
  }

  /** A proxy's ADS stream opens. Its snapshot is filled at once, or as soon as its Dataplane is registered. */
  open(mesh: string, name: string, client: DataPlaneKind = 'skerry', wishes: Wishes = {}): PlannedProxy {
    const state = new ProxyState(mesh, name, client, wishes)
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
      setAsked: names => {
        state.asked = names
        this.#markProxy(state)
      },
      acknowledged: (type, versions) => {
        state.acknowledged(type, versions)
        const trusted = type === typeUrls.secret ? versions.get(trustSecret) : undefined
        if (trusted !== undefined) this.#trust.runs(state, trusted)
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

  /** Whether another zone is to be relied on changed, which is in no resource. */
  zoneChanged(mesh: string, zone: string): void {
    const view = this.view(mesh)
    for (const service of view.services.values()) if (service.zone === zone) this.#touchEndpoints(view, service)
    this.#schedule()
  }

  /** Resolves with true when every proxy that calls this instance runs the endpoints as they are now, or as they became since; with false after `timeoutMs`. */
  callersKnow(mesh: string, name: string, timeoutMs: number): Promise<boolean> {
    this.#flush()
    const view = this.view(mesh)
    const dataplane = view.get('Dataplane', name)
    if (!dataplane) return Promise.resolve(true)
    // Whoever calls a workload without a proxy calls a zone gateway.
    const called = isZoneIngress(dataplane.spec) ? [...agentlessOf(view).groups].flatMap(group => group.members[0]!.dataplane) : [dataplane]
    const selecting = new Set(called.flatMap(instance => view.servicesSelecting(instance)))
    const services = [...selecting].flatMap(service => [service, ...view.unionsOf(service)])
    const awaited = services
      .flatMap(service => [...this.#endpoints.subscribersOf(mesh, service.key)])
      .filter(({ subscriber }) => subscriber.name !== name)
      .map(({ subscriber, cluster }) => ({ subscriber, cluster, version: subscriber.versionOf(typeUrls.endpoints, cluster) }))
    const isKnown = ({ subscriber, cluster, version }: (typeof awaited)[number]) => {
      const runs = subscriber.runs(typeUrls.endpoints, cluster)
      // What came after it was sent together with it.
      return runs === version || runs === subscriber.versionOf(typeUrls.endpoints, cluster) || !this.#isOpen(subscriber)
    }
    return this.#acknowledgements.until(() => awaited.every(isKnown), timeoutMs)
  }

  /** Whether a proxy runs the newest version of one of its resources. */
  hasAcknowledged(mesh: string, name: string, type: string, resource: string): boolean {
    for (const state of this.#proxies.get(`${mesh}/${name}`) ?? []) {
      const current = state.versionOf(type, resource)
      if (current !== undefined && state.runs(type, resource) === current) return true
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
      // Many instances of one workload come together, and each would have all of them looked at.
      const agentless = new Set<string>()
      for (const change of changes) {
        for (const touched of traceChange(before, after, change)) {
          if (touched.kind === 'agentless') agentless.add(touched.workload)
          else this.#touch(after, touched)
        }
      }
      for (const workload of agentless) this.#touchAgentless(after, workload)
    }
    if (byMesh.size > 0) this.#schedule()
  }

  #touch(view: MeshView, touched: Exclude<Touched, { kind: 'agentless' }>): void {
    switch (touched.kind) {
      case 'proxy':
        for (const state of this.#proxies.get(`${view.mesh}/${touched.name}`) ?? []) this.#dirtyProxies.add(state)
        return
      case 'endpoints':
        this.#touchEndpoints(view, touched.service)
        return
      case 'callers':
        this.#touchCallers(touched.view, touched.service)
        return
      case 'zone-gateways':
        for (const states of this.#proxies.values()) {
          for (const state of states) if (state.mesh === view.mesh && state.plan?.role === 'zone-gateway') this.#dirtyProxies.add(state)
        }
        return
      case 'hosts':
        for (const states of this.#proxies.values()) {
          for (const state of states) if (state.mesh === view.mesh && state.asksFor(touched.hostnames)) this.#dirtyProxies.add(state)
        }
        return
      case 'mesh':
        for (const states of this.#proxies.values()) for (const state of states) if (state.mesh === view.mesh) this.#dirtyProxies.add(state)
    }
  }

  /** How a workload without a proxy is called: by its zone's gateways, and through them by others. */
  #touchAgentless(view: MeshView, workload: string): void {
    this.#endpoints.touch(view.mesh, agentlessKey(workload))
    const members = agentlessOf(view)
      .ofWorkload(workload)
      .flatMap(group => group.members)
    const services = new Set(members.flatMap(({ dataplane }) => view.servicesSelecting(dataplane)))
    for (const service of services) this.#touchEndpoints(view, service)
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

  /** Many proxies are planned some at a time, and what else there is to do is done in between. */
  #flush(): void {
    const began = this.#clock.now()
    for (const state of this.#dirtyProxies) {
      if (this.#clock.now() - began >= SLICE_MS) break
      this.#dirtyProxies.delete(state)
      if (!this.#isOpen(state)) continue
      try {
        this.#replan(state)
      } catch (error) {
        this.#log.error('a proxy could not be planned; it keeps what it has', { mesh: state.mesh, proxy: state.name, error })
      }
    }
    this.#endpoints.refill()
    if (this.#dirtyProxies.size > 0) this.#nextSlice ??= this.#clock.setTimeout(() => this.#slice(), 0)
  }

  #slice(): void {
    this.#nextSlice = null
    this.#flush()
  }

  #replan(state: ProxyState): void {
    const view = this.view(state.mesh)
    const dataplane = view.get('Dataplane', state.name)
    if (!dataplane) return
    const plan = planProxy(view, dataplane, state.hosts, resolverOf(state.client))
    const clusters = state.scope === 'all' ? plan.clusters : []
    const endpoints = clusters.flatMap(cluster => (cluster.kind === 'service' ? [[cluster.name, cluster.endpoints] as const] : []))
    this.#endpoints.subscribe(state, state.mesh, new Map(endpoints))
    state.publish(plan, dataplane, this.#cache)
    const wanted = state.verifiesPeers ? state.versionOf(typeUrls.secret, trustSecret) : undefined
    this.#trust.wants(state, wanted ?? null, plan.trust)
  }

  #close(state: ProxyState): void {
    const key = `${state.mesh}/${state.name}`
    const states = this.#proxies.get(key)
    if (!states?.delete(state)) return
    if (states.size === 0) this.#proxies.delete(key)
    this.#dirtyProxies.delete(state)
    this.#endpoints.unsubscribe(state)
    this.#trust.left(state)
    this.#acknowledgements.changed()
  }

  #isOpen(state: ProxyState): boolean {
    return this.#proxies.get(`${state.mesh}/${state.name}`)?.has(state) ?? false
  }
}

/** A gRPC application says names as people do; what an HTTP proxy port is asked for is always a host. */
function resolverOf(client: DataPlaneKind | undefined): ResolveHost {
  return client === 'grpc' ? resolveName : resolveHost
}
