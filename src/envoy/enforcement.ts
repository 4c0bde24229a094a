import { kriOf } from '../model/kri.ts'
import type { ProxyPlan, Settings } from '../policy/plan.ts'
import { type DataPlaneKind, dataPlaneOf, learnsHosts } from './client-kind.ts'
import { lambdaShortfalls } from './lambda.ts'
import { patchResources } from './patch/proxy-patch.ts'
import { envoyResources } from './resources.ts'

/** What a data plane does of a policy kind: everything, nothing, or the settings under these paths (`http.requestTimeout`). */
export type Enforced = 'all' | 'none' | readonly string[]

/** Which policy and setting which data plane enforces. What is not here has no effect there, and `unenforced` says so. */
export const enforcement: Readonly<Record<string, Readonly<Record<DataPlaneKind, Enforced>>>> = {
  MeshTrafficPermission: { skerry: 'all', envoy: 'all', grpc: 'all' },
  MeshHTTPRoute: {
    skerry: [
      'matches',
      'backendRefs',
      'filters.requestHeaderModifier',
      'filters.responseHeaderModifier',
      'filters.requestRedirect',
      'filters.urlRewrite.hostname',
      'filters.urlRewrite.path',
    ],
    envoy: 'all',
    grpc: ['matches', 'backendRefs'],
  },
  MeshTCPRoute: { skerry: 'all', envoy: 'all', grpc: 'all' },
  MeshTimeout: {
    skerry: ['connectionTimeout', 'idleTimeout', 'http.requestTimeout'],
    envoy: 'all',
    grpc: ['http.requestTimeout', 'http.maxStreamDuration'],
  },
  MeshRetry: {
    skerry: [
      'http.numRetries',
      'http.retryOn',
      'http.perTryTimeout',
      'http.backOff',
      'http.hostSelection',
      'grpc.numRetries',
      'grpc.retryOn',
      'grpc.perTryTimeout',
      'grpc.backOff',
    ],
    envoy: 'all',
    grpc: ['grpc.numRetries', 'grpc.retryOn', 'grpc.backOff'],
  },
  MeshCircuitBreaker: {
    skerry: [
      'connectionLimits.maxConnections',
      'connectionLimits.maxPendingRequests',
      'connectionLimits.maxRequests',
      'connectionLimits.maxRetries',
      'outlierDetection.disabled',
      'outlierDetection.interval',
      'outlierDetection.baseEjectionTime',
      'outlierDetection.maxEjectionPercent',
      'outlierDetection.splitExternalAndLocalErrors',
      'outlierDetection.healthyPanicThreshold',
      'outlierDetection.detectors.totalFailures',
      'outlierDetection.detectors.gatewayFailures',
      'outlierDetection.detectors.localOriginFailures',
    ],
    envoy: 'all',
    grpc: [
      'connectionLimits.maxRequests',
      'outlierDetection.disabled',
      'outlierDetection.interval',
      'outlierDetection.baseEjectionTime',
      'outlierDetection.maxEjectionPercent',
      'outlierDetection.detectors.successRate',
      'outlierDetection.detectors.failurePercentage',
    ],
  },
  MeshLoadBalancingStrategy: {
    skerry: [
      'localityAwareness',
      'loadBalancer.type',
      'loadBalancer.roundRobin',
      'loadBalancer.random',
      'loadBalancer.leastRequest.choiceCount',
    ],
    envoy: 'all',
    grpc: ['localityAwareness', 'loadBalancer.type', 'loadBalancer.roundRobin', 'loadBalancer.ringHash', 'hashPolicies'],
  },
  MeshHealthCheck: { skerry: 'none', envoy: 'all', grpc: 'none' },
  MeshRateLimit: { skerry: 'none', envoy: 'all', grpc: 'none' },
  MeshFaultInjection: { skerry: 'none', envoy: 'all', grpc: 'none' },
  MeshTLS: { skerry: ['mode'], envoy: ['mode', 'tlsVersion', 'tlsCiphers'], grpc: ['mode'] },
  MeshAccessLog: { skerry: 'none', envoy: 'all', grpc: 'none' },
  MeshTrace: { skerry: 'none', envoy: 'all', grpc: 'none' },
  MeshMetric: { skerry: 'none', envoy: 'none', grpc: 'none' },
  MeshPassthrough: { skerry: 'none', envoy: 'none', grpc: 'none' },
  MeshProxyPatch: { skerry: 'none', envoy: 'all', grpc: 'none' },
}

/** Values of a setting that is enforced otherwise: by kind, path and data plane. */
export const unenforcedValues: Readonly<Record<string, Readonly<Record<string, Readonly<Record<DataPlaneKind, readonly string[]>>>>>> = {
  MeshLoadBalancingStrategy: {
    'loadBalancer.type': { skerry: ['RingHash', 'Maglev'], envoy: [], grpc: ['LeastRequest', 'Random', 'Maglev'] },
    'loadBalancer.ringHash.hashFunction': { skerry: [], envoy: [], grpc: ['MurmurHash2'] },
    'hashPolicies.type': { skerry: [], envoy: [], grpc: ['Cookie', 'Connection', 'QueryParameter', 'FilterState'] },
  },
  MeshTLS: { mode: { skerry: ['Permissive'], envoy: [], grpc: ['Permissive'] } },
}

/** A setting that a policy made and this data plane does not act on. */
export interface Unenforced {
  /** The policy's KRI. */
  readonly resource: string
  readonly reason: string
}

const clientNames: Readonly<Record<DataPlaneKind, string>> = { skerry: 'the built-in proxy', envoy: 'Envoy', grpc: 'gRPC' }

/** What this proxy is asked for and its engine (`envoy 1.36.4`) does not do: what policies want, and what its Dataplane does. */
export function notDone(plan: ProxyPlan, engine: string): Unenforced[] {
  const found = unenforced(plan, dataPlaneOf(engine))
  if (learnsHosts(engine) || !plan.listeners.some(({ kind }) => kind === 'http-proxy')) return found
  const resource = kriOf({ kind: 'Dataplane', mesh: plan.mesh, name: plan.name, labels: plan.labels })
  const reason = `${engine} cannot learn hosts when they are asked for, and has no HTTP proxy port: use Envoy 1.37 or later, or name services with --outbound`
  return [...found, { resource, reason }]
}

/** What policies want of this proxy that a data plane of that kind does not do; each once. */
export function unenforced(plan: ProxyPlan, client: DataPlaneKind): Unenforced[] {
  const found = new Map<string, Unenforced>()
  const report = (origin: string, kind: string, what: string) => {
    const resource = origin.replace(/#\d+$/, '')
    found.set(`${resource} ${what}`, {
      resource,
      reason: `${what} of a ${kind} is not enforced by ${clientNames[client]}: it has no effect on this proxy`,
    })
  }
  for (const settings of settingsOf(plan)) {
    for (const [kind, list] of Object.entries(settings)) {
      for (const { path, value, origin } of list) {
        if (origin === 'default') continue
        if (!enforces(kind, path, client)) report(origin, kind, path)
        else if (unenforcedValues[kind]?.[path.replaceAll(/\[\d+\]/g, '')]?.[client].includes(String(value)))
          report(origin, kind, `${path} ${String(value)}`)
      }
    }
  }
  for (const { action, origin } of routesOf(plan)) {
    if (action.kind !== 'forward') continue
    const filters = [
      ...(action.mirrors.length > 0 ? ['filters.requestMirror'] : []),
      ...(action.rewrite?.hostOfBackend ? ['filters.urlRewrite.hostToBackendHostname'] : []),
    ]
    for (const path of filters) if (!enforces('MeshHTTPRoute', path, client)) report(origin, 'MeshHTTPRoute', path)
  }
  for (const listener of plan.listeners) {
    if (listener.kind !== 'inbound' && listener.kind !== 'agentless') continue
    for (const { origin, match } of listener.rateLimits) {
      if (match !== null || !enforces('MeshRateLimit', '', client)) report(origin, 'MeshRateLimit', match ? 'a rule with matches' : 'local')
    }
    for (const { origin, match } of listener.faults) {
      if (match !== null || !enforces('MeshFaultInjection', '', client))
        report(origin, 'MeshFaultInjection', match ? 'a rule with matches' : 'http')
    }
  }
  if (client === 'envoy')
    for (const cluster of plan.clusters)
      if (cluster.kind === 'lambda')
        for (const reason of lambdaShortfalls(cluster.lambda))
          found.set(`${cluster.name} ${reason}`, { resource: cluster.lambda.arn, reason })
  for (const { origin } of plan.patches)
    if (!enforces('MeshProxyPatch', '', client)) report(origin, 'MeshProxyPatch', 'appendModifications')
  if (client === 'envoy')
    for (const { origin, reason } of patchResources(envoyResources(plan, client), plan).problems) {
      const resource = origin.replace(/#\d+$/, '')
      found.set(`${resource} ${reason}`, {
        resource,
        reason: `a modification of this MeshProxyPatch cannot be applied, and was left out: ${reason}`,
      })
    }
  return [...found.values()]
}

/** Does a data plane act on a setting? `http.backOff` enforces `http.backOff.baseInterval` too. */
export function enforces(kind: string, path: string, client: DataPlaneKind): boolean {
  const enforced = enforcement[kind]?.[client] ?? 'none'
  if (enforced === 'all' || enforced === 'none') return enforced === 'all'
  return enforced.some(known => path === known || path.startsWith(`${known}.`) || path.startsWith(`${known}[`))
}

function* settingsOf(plan: ProxyPlan): Generator<Settings> {
  yield plan.settings
  for (const listener of plan.listeners) {
    if ('settings' in listener) yield listener.settings
    if (listener.kind === 'outbound' && listener.target.protocol === 'tcp') yield listener.target.settings
  }
  for (const host of hostsOf(plan)) yield host.settings
  for (const route of routesOf(plan)) yield route.settings
  for (const cluster of plan.clusters) if (cluster.kind === 'service') yield cluster.settings
}

function* routesOf(plan: ProxyPlan): Generator<VirtualHostPlan['routes'][number]> {
  for (const { routes } of hostsOf(plan)) yield* routes
}

type VirtualHostPlan = ProxyPlan['onDemand'][number]

/** Of all listeners, and those that are sent when they are asked for. */
function* hostsOf(plan: ProxyPlan): Generator<VirtualHostPlan> {
  for (const listener of plan.listeners) {
    if (listener.kind === 'gateway') yield* listener.virtualHosts
    else if (listener.kind === 'outbound' && listener.target.protocol === 'http') yield listener.target.virtualHost
  }
  yield* plan.onDemand
}
