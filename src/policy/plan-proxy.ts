import { type Dataplane, inboundListenerName, inboundName, type Outbound, zoneIngressListenerName } from '../model/kinds/dataplane.ts'
import { gatewayListenerName, type MeshGateway } from '../model/kinds/mesh-gateway.ts'
import type { MeshHTTPRoute } from '../model/kinds/mesh-http-route.ts'
import type { MeshLoadBalancingStrategy } from '../model/kinds/mesh-load-balancing-strategy.ts'
import type { MeshService } from '../model/kinds/mesh-service.ts'
import { kriOf } from '../model/kri.ts'
import { sniOf } from '../model/sni.ts'
import { type BackendRef, matchesLabels } from '../model/target-ref.ts'
import {
  defaultConnectTimeoutMs,
  defaultIdleTimeoutMs,
  defaultLimits,
  defaultLocality,
  defaultOutlier,
  defaultPanicPercent,
  defaultSlowStartMs,
} from './defaults.ts'
import { endpointSetRef, memberPort } from './endpoints.ts'
import { findPort, findService } from './find-service.ts'
import { resolveHost } from './host.ts'
import { matchPolicies, type PolicySubject } from './match.ts'
import { planGatewayRoutes, planServiceRoutes } from './mesh-http-route.ts'
import { identityFor, spiffeIdFor } from './mesh-identity.ts'
import { planLoadBalancing } from './mesh-load-balancing-strategy.ts'
import { planPermissions } from './mesh-traffic-permission.ts'
import type {
  ClusterPlan,
  GatewayPlan,
  ListenerPlan,
  PlanWarning,
  ProxyPlan,
  TrustPlan,
  VirtualHostPlan,
  WeightedCluster,
  ZoneIngressPlan,
} from './plan.ts'
import { isHttp, type MeshView, type ServicePort, type ServiceView } from './view.ts'

/**
 * Everything that one proxy shall do, from all resources at one revision. `wantedHosts` are the hosts that its application has asked
 * its HTTP proxy port for. What cannot be planned is left out with a warning; the rest stands.
 */
export function planProxy(view: MeshView, dataplane: Dataplane, wantedHosts: Iterable<string> = []): ProxyPlan {
  const planning = new Planning(view, dataplane)
  const networking = dataplane.spec.networking
  for (const inbound of networking.inbound ?? []) planning.addInbound(inbound)
  for (const outbound of networking.outbound ?? []) planning.addOutbound(outbound)
  if (networking.httpProxy) {
    planning.listeners.push({
      kind: 'http-proxy',
      name: 'http_proxy',
      address: networking.httpProxy.address ?? '127.0.0.1',
      port: networking.httpProxy.port,
    })
    for (const host of wantedHosts) planning.addHost(host)
  }
  if (networking.gateway?.type === 'BUILTIN') planning.addGateways()
  for (const listener of networking.listeners ?? []) if (listener.type === 'ZoneIngress') planning.addZoneIngress(listener)
  return planning.finish()
}

/** What a proxy is, by what its Dataplane has. */
export function roleOf(dataplane: Dataplane): ProxyPlan['role'] {
  if (dataplane.spec.networking.gateway?.type === 'BUILTIN') return 'gateway'
  return dataplane.spec.networking.listeners?.some(listener => listener.type === 'ZoneIngress') ? 'zone-gateway' : 'sidecar'
}

class Planning {
  readonly #view: MeshView
  readonly #dataplane: Dataplane
  readonly #subject: PolicySubject
  readonly #gateways: readonly MeshGateway[]
  readonly #strategies: readonly MeshLoadBalancingStrategy[]
  readonly #routes: readonly MeshHTTPRoute[]
  readonly #clusters = new Map<string, ClusterPlan>()
  readonly #onDemand: VirtualHostPlan[] = []
  readonly #warnings: PlanWarning[] = []
  readonly listeners: ListenerPlan[] = []

  constructor(view: MeshView, dataplane: Dataplane) {
    this.#view = view
    this.#dataplane = dataplane
    const builtin = dataplane.spec.networking.gateway?.type === 'BUILTIN'
    this.#gateways = builtin ? view.list('MeshGateway').filter(gateway => matchesLabels(dataplane, gateway.spec.selector.matchLabels)) : []
    this.#subject = { dataplane, zone: view.zone, gateways: this.#gateways }
    this.#strategies = matchPolicies(view.list('MeshLoadBalancingStrategy'), this.#subject)
    this.#routes = matchPolicies(view.list('MeshHTTPRoute'), this.#subject)
  }

  finish(): ProxyPlan {
    const identity = identityFor(this.#view.list('MeshIdentity'), {
      mesh: this.#view.mesh,
      zone: this.#view.zone,
      name: this.#dataplane.name,
      labels: this.#dataplane.labels,
    })
    if (!identity)
      this.#warn(
        kriOf(this.#dataplane),
        'no MeshIdentity selects this proxy: it has no certificate, and neither calls others nor is called',
      )
    return {
      mesh: this.#view.mesh,
      name: this.#dataplane.name,
      zone: this.#view.zone,
      role: roleOf(this.#dataplane),
      labels: this.#dataplane.labels,
      spiffeId:
        identity &&
        spiffeIdFor(identity, { mesh: this.#view.mesh, zone: this.#view.zone, name: this.#dataplane.name, labels: this.#dataplane.labels }),
      trust: trustOf(this.#view),
      listeners: this.listeners,
      clusters: [...this.#clusters.values()],
      onDemand: this.#onDemand,
      warnings: this.#warnings,
    }
  }

  addInbound(inbound: NonNullable<Dataplane['spec']['networking']['inbound']>[number]): void {
    if (inbound.state === 'Ignored') return
    const name = inboundListenerName(inbound)
    const protocol = isHttp(inbound.protocol) ? 'http' : 'tcp'
    this.#clusters.set(name, {
      kind: 'local',
      name,
      address: inbound.serviceAddress ?? '127.0.0.1',
      port: inbound.servicePort ?? inbound.port,
      protocol,
      connectTimeoutMs: defaultConnectTimeoutMs,
    })
    const permissions = planPermissions(this.#view.list('MeshTrafficPermission'), this.#subject, {
      name: inboundName(inbound),
      port: inbound.port,
    })
    this.listeners.push({
      kind: 'inbound',
      name,
      address: inbound.address ?? this.#dataplane.spec.networking.address,
      port: inbound.port,
      protocol,
      cluster: name,
      permissions,
    })
  }

  addOutbound(outbound: Outbound): void {
    const { backendRef } = outbound
    const found = this.#find(backendRef.kind ?? null, backendRef.name, backendRef.labels, backendRef.port, undefined)
    const address = outbound.address ?? '127.0.0.1'
    if (!found) {
      // The port answers all the same, so that an application that starts before its dependency gets an answer it can retry.
      const name = `outbound_${outbound.port}`
      const what = backendRef.name ?? JSON.stringify(backendRef.labels)
      const body = `no service ${what} is known in this zone`
      this.#warn(kriOf(this.#dataplane), `outbound port ${outbound.port}: ${body}`)
      this.listeners.push({
        kind: 'outbound',
        name,
        address,
        port: outbound.port,
        target: { protocol: 'http', virtualHost: respondHost(name, 503, body) },
      })
      return
    }
    const { service, port } = found
    const kri = kriOf(service.resource, port.name)
    const name = this.listeners.some(listener => listener.name === kri) ? `${kri}_${outbound.port}` : kri
    const own = this.#serviceCluster(service, port)
    const target =
      port.protocol === 'http'
        ? { protocol: 'http' as const, virtualHost: this.#serviceHost(name, ['*'], service, port) }
        : { protocol: 'tcp' as const, clusters: [own] }
    this.listeners.push({ kind: 'outbound', name, address, port: outbound.port, target })
  }

  /** A host that the application asked its HTTP proxy port for, `name` or `name:port`. Unknown hosts are left out. */
  addHost(host: string): void {
    const found = resolveHost(this.#view, host)
    if (found) this.#onDemand.push(this.#serviceHost(host, [host], found.service, found.port))
  }

  addGateways(): void {
    const byPort = new Map<number, GatewayPlan & { virtualHosts: VirtualHostPlan[] }>()
    for (const gateway of this.#gateways) {
      for (const listener of gateway.spec.listeners) {
        if (listener.protocol === 'HTTPS') {
          this.#warn(
            kriOf(gateway, gatewayListenerName(listener)),
            'protocol HTTPS is not served by this gateway yet: the listener is left out',
          )
          continue
        }
        const earlier = byPort.get(listener.port)
        const plan = earlier ?? {
          kind: 'gateway',
          name: `gateway_${gateway.name}_${listener.port}`,
          address: this.#dataplane.spec.networking.address,
          port: listener.port,
          protocol: listener.protocol === 'TCP' ? 'tcp' : 'http',
          virtualHosts: [],
          clusters: [],
        }
        byPort.set(listener.port, plan)
        plan.virtualHosts.push(...this.#gatewayHosts(gateway, listener, plan.name))
      }
    }
    this.listeners.push(...byPort.values())
  }

  addZoneIngress(listener: { readonly address: string; readonly port: number; readonly name?: string }): void {
    const chains: { sni: string; cluster: string }[] = []
    for (const service of this.#view.services.values()) {
      if (service.kind !== 'MeshService' || service.zone !== this.#view.zone) continue
      for (const port of service.ports) {
        const cluster = this.#ingressCluster(service, port)
        chains.push({ sni: sniOf(service.resource, port.name), cluster })
        for (const union of this.#view.unionsOf(service)) {
          for (const unionPort of union.ports) {
            if (memberPort(union, unionPort.name, service) === port.name)
              chains.push({ sni: sniOf(union.resource, unionPort.name), cluster })
          }
        }
      }
    }
    chains.sort((a, b) => (a.sni < b.sni ? -1 : a.sni > b.sni ? 1 : 0))
    const unique = chains.filter((chain, index) => chain.sni !== chains[index - 1]?.sni)
    const plan: ZoneIngressPlan = {
      kind: 'zone-ingress',
      name: zoneIngressListenerName(listener),
      address: listener.address,
      port: listener.port,
      chains: unique,
    }
    this.listeners.push(plan)
  }

  /** One virtual host for each host name that the routes of a gateway's listener name. */
  #gatewayHosts(gateway: MeshGateway, listener: MeshGateway['spec']['listeners'][number], listenerName: string): VirtualHostPlan[] {
    const items = this.#routes
      .filter(policy => policy.spec.targetRef?.kind === 'MeshGateway' && matchesLabels(gateway, policy.spec.targetRef.labels))
      .filter(policy => !policy.spec.targetRef?.sectionName || policy.spec.targetRef.sectionName === gatewayListenerName(listener))
      .flatMap(policy => policy.spec.to.map(item => ({ policy, item })))
    const byHost = new Map<string, typeof items>()
    for (const entry of items) {
      for (const hostname of entry.item.hostnames ?? [listener.hostname ?? '*']) {
        if (!hostnameAllowed(hostname, listener.hostname)) continue
        byHost.set(hostname, [...(byHost.get(hostname) ?? []), entry])
      }
    }
    return [...byHost].map(([hostname, entries]) => ({
      name: `${listenerName}/${hostname}`,
      domains: hostname === '*' ? ['*'] : [hostname],
      routes: planGatewayRoutes(entries, ref => this.#backend(ref, kriOf(gateway))),
    }))
  }

  #serviceHost(name: string, domains: readonly string[], service: ServiceView, port: ServicePort): VirtualHostPlan {
    const routes = planServiceRoutes(this.#routes, service, port.name, this.#serviceCluster(service, port), ref =>
      this.#backend(ref, kriOf(service.resource)),
    )
    return { name, domains, routes }
  }

  #backend(ref: BackendRef, origin: string): WeightedCluster | null {
    const found = this.#find(ref.kind, undefined, ref.labels, ref.port, ref.sectionName)
    if (!found) {
      this.#warn(origin, `backendRef ${ref.kind} ${JSON.stringify(ref.labels)} names no service that is known in this zone`)
      return null
    }
    return this.#serviceCluster(found.service, found.port, ref.weight ?? 1)
  }

  #serviceCluster(service: ServiceView, port: ServicePort, weight = 1): WeightedCluster {
    const name = kriOf(service.resource, port.name)
    if (!this.#clusters.has(name)) {
      const balancing = planLoadBalancing(this.#view.zone, this.#strategies, service, port.name, this.#dataplane.labels)
      this.#clusters.set(name, {
        kind: 'service',
        name,
        endpoints: endpointSetRef(service.key, port.name, 'all', balancing.locality),
        protocol: port.protocol,
        tls: { sni: sniOf(service.resource, port.name), allowedIds: allowedIds(this.#view, service) },
        connectTimeoutMs: defaultConnectTimeoutMs,
        idleTimeoutMs: defaultIdleTimeoutMs,
        outlier: defaultOutlier,
        limits: defaultLimits,
        balancer: balancing.balancer,
        slowStartMs: defaultSlowStartMs,
        panicPercent: defaultPanicPercent,
        origins: { connectTimeout: 'default', outlier: 'default', limits: 'default', ...balancing.origins },
      })
    }
    return { cluster: name, weight }
  }

  #ingressCluster(service: ServiceView, port: ServicePort): string {
    const name = `ingress_${kriOf(service.resource, port.name)}`
    this.#clusters.set(name, {
      kind: 'service',
      name,
      endpoints: endpointSetRef(service.key, port.name, 'local', defaultLocality),
      protocol: 'tcp',
      tls: null,
      connectTimeoutMs: defaultConnectTimeoutMs,
      idleTimeoutMs: defaultIdleTimeoutMs,
      outlier: defaultOutlier,
      limits: defaultLimits,
      balancer: { type: 'LeastRequest', choiceCount: 2 },
      slowStartMs: 0,
      panicPercent: defaultPanicPercent,
      origins: { connectTimeout: 'default', outlier: 'default', limits: 'default', balancer: 'default', locality: 'default' },
    })
    return name
  }

  #find(
    kind: string | null,
    name: string | undefined,
    labels: Readonly<Record<string, string>> | undefined,
    port: number | undefined,
    section: string | undefined,
  ) {
    const service = findService(this.#view, kind, name, labels)
    const found = service && findPort(service, port, section)
    return service && found ? { service, port: found } : null
  }

  #warn(resource: string, reason: string): void {
    this.#warnings.push({ resource, reason })
  }
}

/** Who may answer for a service: every identity of every member. Nobody is trusted for a service that names none. */
function allowedIds(view: MeshView, service: ServiceView): string[] {
  const ids = view
    .membersOf(service)
    .flatMap(member => ((member.resource as MeshService).spec.identities ?? []).map(identity => identity.value))
  return [...new Set(ids)].sort()
}

function trustOf(view: MeshView): TrustPlan[] {
  const byDomain = new Map<string, Set<string>>()
  for (const trust of view.list('MeshTrust')) {
    const bundles = byDomain.get(trust.spec.trustDomain) ?? new Set()
    for (const bundle of trust.spec.caBundles) bundles.add(bundle.pem.value)
    byDomain.set(trust.spec.trustDomain, bundles)
  }
  return [...byDomain]
    .map(([trustDomain, bundles]) => ({ trustDomain, bundles: [...bundles].sort() }))
    .sort((a, b) => (a.trustDomain < b.trustDomain ? -1 : 1))
}

function respondHost(name: string, status: number, body: string): VirtualHostPlan {
  const none = { set: [], add: [], remove: [] }
  const match = { path: { type: 'PathPrefix' as const, value: '/' }, headers: [], queryParams: [] }
  return {
    name,
    domains: ['*'],
    routes: [
      {
        name: 'unresolved',
        match,
        action: { kind: 'respond', status, body },
        requestHeaders: none,
        responseHeaders: none,
        origin: 'default',
      },
    ],
  }
}

/** A route's host must be one that its listener admits: equal, or under the listener's wildcard. */
function hostnameAllowed(hostname: string, listener: string | undefined): boolean {
  if (!listener || listener === '*' || hostname === listener) return true
  return listener.startsWith('*.') && hostname.endsWith(listener.slice(1))
}
