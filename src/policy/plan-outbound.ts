import type { Outbound } from '../model/kinds/dataplane.ts'
import type { RetryConf } from '../model/kinds/mesh-retry.ts'
import { kriOf } from '../model/kri.ts'
import { workloadLabel } from '../model/labels.ts'
import type { Resource } from '../model/resource.ts'
import type { BackendRef } from '../model/target-ref.ts'
import { defaultLoadBalancing, defaultRetries, defaultTimeouts } from './defaults.ts'
import type { ResolveHost } from './host.ts'
import { type AccessLogPlan, planAccessLog } from './mesh-access-log.ts'
import { planFaults } from './mesh-fault-injection.ts'
import { planRoutes, type ResolveBackend, type TreatRoute } from './mesh-http-route.ts'
import { planHashPolicies } from './mesh-load-balancing-strategy.ts'
import { planRateLimit } from './mesh-rate-limit.ts'
import { planConnectAttempts, planRetry } from './mesh-retry.ts'
import { planTcpBackends } from './mesh-tcp-route.ts'
import { connectionSettings, planTimeouts, requestSettings } from './mesh-timeout.ts'
import type { OutboundPlan, OutboundTarget, Settings, TcpTargetPlan, VirtualHostPlan } from './plan.ts'
import { policyProtocol, serviceCluster } from './plan-cluster.ts'
import type { Planning } from './planning.ts'
import { findPort, findService } from './rules/find-service.ts'
import type { ServicePort, ServiceView } from './service-index.ts'
import { type Effective, effective, perConf, type Setting } from './settings.ts'

/** The application beside the proxy → one service, on a port of its own. `taken`: names of listeners that are there already. */
export function planOutbound(planning: Planning, outbound: Outbound, taken: ReadonlySet<string>): OutboundPlan {
  const { backendRef } = outbound
  const listener = { kind: 'outbound' as const, address: outbound.address ?? '127.0.0.1', port: outbound.port }
  const found = findBackend(planning, { ...backendRef, kind: backendRef.kind ?? null })
  if (!found) {
    // The port answers all the same, so that an application that starts before its dependency gets an answer it can retry.
    const name = `outbound_${outbound.port}`
    const body = unresolved(planning, { ...backendRef, kind: backendRef.kind ?? null })
    planning.warn(planning.kri, `outbound port ${outbound.port}: ${body}`)
    return { ...listener, name, target: { protocol: 'http', virtualHost: respondHost(name, 503, body) } }
  }
  const { service, port } = found
  const kri = kriOf(service.resource, port.name)
  const name = taken.has(kri) ? `${kri}_${outbound.port}` : kri
  const target: OutboundTarget =
    port.protocol === 'http'
      ? { protocol: 'http', virtualHost: planServiceHost(planning, name, ['*'], service, port) }
      : { protocol: 'tcp', ...planTcpTarget(planning, service, port) }
  return { ...listener, name, target }
}

/** A host that the application asks for, in the words that `resolve` reads; null = nobody knows it. */
export function planHost(planning: Planning, host: string, resolve: ResolveHost): VirtualHostPlan | null {
  const found = resolve(planning.view, host)
  return found && planServiceHost(planning, host, [host], found.service, found.port)
}

/** Turns references into clusters. */
export function backendResolver(planning: Planning): ResolveBackend {
  return (ref, policy) => {
    const found = findBackend(planning, ref)
    if (found) return serviceCluster(planning, found.service, found.port, ref.weight ?? 1)
    planning.warn(policy, `backendRef ${unresolved(planning, ref)}`)
    return null
  }
}

/** How requests to `destination` are treated: what is said of their route, else of where they go. */
export function treatRoutes(planning: Planning, destinationOf: (backends: readonly BackendRef[]) => Destination): TreatRoute {
  return (route, backends) => {
    const { resource, section, protocol } = destinationOf(backends)
    const timeouts = effective(defaultTimeouts, planning.rules('MeshTimeout').confFor(resource, section, route))
    const retries = effective(defaultRetries, planning.rules('MeshRetry').confFor(resource, section, route))
    const strategy = effective(defaultLoadBalancing, planning.rules('MeshLoadBalancingStrategy').confFor(resource, section, route))
    return {
      treatment: {
        timeouts: planTimeouts(timeouts.conf).request,
        retry: (protocol === 'grpc' ? retryGrpc : retryHttp)(retries),
        hashPolicies: hashPolicies(strategy.conf),
      },
      settings: {
        MeshTimeout: requestSettings(timeouts.settings),
        MeshRetry: (protocol === 'grpc' ? grpcSettings : httpSettings)(retries.settings),
        MeshLoadBalancingStrategy: hashSettings(strategy.settings),
      },
    }
  }
}

const retryHttp = perConf(({ conf, settings }: Effective<RetryConf>) => planRetry(conf, 'http', isSet(settings, 'http.retryOn')))
const retryGrpc = perConf(({ conf, settings }: Effective<RetryConf>) => planRetry(conf, 'grpc', isSet(settings, 'grpc.retryOn')))
const hashPolicies = perConf(planHashPolicies)

/** Which of a kind's settings are about what. */
const under = (prefix: string) => perConf((settings: readonly Setting[]) => settings.filter(({ path }) => path.startsWith(prefix)))
const hashSettings = under('hashPolicies')
const httpSettings = under('http.')
const grpcSettings = under('grpc.')
const tcpSettings = under('tcp.')

/** What policies for calls can speak of: a service's port, or everything. */
export interface Destination {
  readonly resource: Resource
  readonly section: string
  readonly protocol: 'tcp' | 'http' | 'grpc'
}

export function destinationOf(service: ServiceView, port: ServicePort): Destination {
  return { resource: service.resource, section: port.name, protocol: policyProtocol(port) }
}

/** What policies say of all calls alike. */
export function anywhere({ view }: Planning): Destination {
  let mesh = meshes.get(view.mesh)
  if (!mesh) {
    mesh = { kind: 'Mesh', mesh: '', name: view.mesh, labels: {}, spec: {}, creationTime: '', modificationTime: '', revision: 0 }
    meshes.set(view.mesh, mesh)
  }
  return { resource: mesh, section: '', protocol: 'http' }
}

/** One object a mesh: what policies say is remembered by it. */
const meshes = new Map<string, Resource>()

/** What holds for all requests, or connections, to a destination before it is known which route they take. */
export function planTraffic(
  planning: Planning,
  { resource, section, protocol }: Destination,
  service: string,
): Pick<VirtualHostPlan, 'rateLimit' | 'faults' | 'accessLogs' | 'settings'> {
  const limits = planning.rules('MeshRateLimit').confFor(resource, section)
  const faults = planning.rules('MeshFaultInjection').confFor(resource, section)
  const logs = planning.rules('MeshAccessLog').confFor(resource, section)
  const settings: Record<string, readonly Setting[]> = {}
  if (limits) settings.MeshRateLimit = effective({}, limits).settings
  if (faults) settings.MeshFaultInjection = effective({}, faults).settings
  if (logs) settings.MeshAccessLog = effective({}, logs).settings
  return {
    rateLimit: limits && planRateLimit(limits.conf),
    faults: faults ? planFaults(faults.conf) : [],
    accessLogs: logs ? outboundLogs(planning, logs, service, protocol === 'tcp' ? 'tcp' : 'http') : [],
    settings,
  }
}

export function planTcpTarget(planning: Planning, service: ServiceView, port: ServicePort): TcpTargetPlan {
  const destination = destinationOf(service, port)
  const { resource, section } = destination
  const own = serviceCluster(planning, service, port)
  const route = planning.rules('MeshTCPRoute').confFor(resource, section)
  const timeouts = effective(defaultTimeouts, planning.rules('MeshTimeout').confFor(resource, section))
  const retries = effective(defaultRetries, planning.rules('MeshRetry').confFor(resource, section))
  const { rateLimit, accessLogs, settings } = planTraffic(planning, destination, service.displayName)
  return {
    clusters: planTcpBackends(route, own, backendResolver(planning)),
    idleMs: planTimeouts(timeouts.conf).connection.idleMs,
    connectAttempts: planConnectAttempts(retries.conf),
    rateLimit,
    accessLogs,
    settings: {
      ...(route ? { MeshTCPRoute: effective({}, route).settings } : {}),
      MeshTimeout: connectionSettings(timeouts.settings),
      MeshRetry: tcpSettings(retries.settings),
      ...settings,
    },
  }
}

/** Requests to one service, whatever host they name. */
export function planServiceHost(
  planning: Planning,
  name: string,
  domains: readonly string[],
  service: ServiceView,
  port: ServicePort,
): VirtualHostPlan {
  const destination = destinationOf(service, port)
  const rule = planning.rules('MeshHTTPRoute').confFor(service.resource, port.name)
  const own = serviceCluster(planning, service, port)
  // A MeshTCPRoute splits all connections where no MeshHTTPRoute looks into them.
  const tcp = rule ? null : planning.rules('MeshTCPRoute').confFor(service.resource, port.name)
  const treat = treatRoutes(planning, () => destination)
  const routes = planRoutes({ layers: rule?.layers ?? [], resolve: backendResolver(planning), treat, own })
  const split = tcp ? planTcpBackends(tcp, own, backendResolver(planning)) : null
  return {
    name,
    domains,
    routes: split && split.length > 0 ? routes.map(route => withClusters(route, split)) : routes,
    ...planTraffic(planning, destination, service.displayName),
  }
}

function withClusters(route: VirtualHostPlan['routes'][number], clusters: TcpTargetPlan['clusters']): VirtualHostPlan['routes'][number] {
  return route.action.kind === 'forward' ? { ...route, action: { ...route.action, clusters } } : route
}

function outboundLogs(
  planning: Planning,
  rule: NonNullable<ReturnType<ReturnType<typeof planning.rules<'MeshAccessLog'>>['confFor']>>,
  service: string,
  protocol: 'http' | 'tcp',
): AccessLogPlan[] {
  const { dataplane, view } = planning
  const source = { service: dataplane.labels[workloadLabel] ?? dataplane.name, zone: view.zone, address: dataplane.spec.networking.address }
  const subject = { mesh: view.mesh, direction: 'OUTBOUND' as const, source, destination: { service, zone: '*' }, protocol }
  return planAccessLog(rule.conf, subject, ref => planning.otelBackend(rule, ref))
}

function isSet(settings: Settings[string], path: string): boolean {
  return settings.some(setting => setting.path === path && setting.origin !== 'default')
}

interface Reference {
  readonly kind: string | null
  readonly name?: string | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly port?: number | undefined
  readonly sectionName?: string | undefined
}

export function findBackend({ view }: Planning, { kind, name, labels, port, sectionName }: Reference) {
  const service = findService(view, kind, name, labels)
  const found = service && findPort(service, port, sectionName)
  return service && found ? { service, port: found } : null
}

/** Why a reference leads nowhere: there is no such service, or it has no such port. */
function unresolved({ view }: Planning, { kind, name, labels, port, sectionName }: Reference): string {
  const what = [kind, name ?? JSON.stringify(labels)].filter(Boolean).join(' ')
  const service = findService(view, kind, name, labels)
  if (!service) return `${what} names no service that is known in this zone`
  const ports = service.ports.map(({ name, port }) => `${name} (${port})`).join(', ')
  return `${what} has no port ${sectionName ?? port}: it has ${ports || 'none'}`
}

const everything = { path: { type: 'PathPrefix' as const, value: '/' }, headers: [], queryParams: [] }
const unchanged = { set: [], add: [], remove: [] }

function respondHost(name: string, status: number, body: string): VirtualHostPlan {
  const route = {
    name: 'unresolved',
    match: everything,
    action: { kind: 'respond' as const, status, body },
    requestHeaders: unchanged,
    responseHeaders: unchanged,
    origin: 'default',
    settings: {},
  }
  return { name, domains: ['*'], routes: [route], rateLimit: null, faults: [], accessLogs: [], settings: {} }
}
