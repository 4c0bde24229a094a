import type { ProxyPlan, Settings } from '../policy/plan.ts'
import type { ClientKind } from './client-kind.ts'
import { patchResources } from './patch/proxy-patch.ts'
import { envoyResources } from './resources.ts'

/** What a data plane does of a policy kind: everything, nothing, or the settings under these paths (`http.requestTimeout`). */
export type Enforced = 'all' | 'none' | readonly string[]

/** Which policy and setting which data plane enforces. What is not here has no effect there, and `unenforced` says so. */
export const enforcement: Readonly<Record<string, Readonly<Record<ClientKind, Enforced>>>> = {
  MeshTrafficPermission: { skerry: 'all', envoy: 'all' },
  MeshHTTPRoute: { skerry: ['matches', 'backendRefs', 'filters'], envoy: 'all' },
  MeshTCPRoute: { skerry: 'all', envoy: 'all' },
  MeshTimeout: {
    skerry: ['connectionTimeout', 'idleTimeout', 'http.requestTimeout'],
    envoy: 'all',
  },
  MeshRetry: {
    skerry: [
      'http.numRetries',
      'http.retryOn',
      'http.perTryTimeout',
      'http.backOff',
      'http.hostSelection',
      'grpc.numRetries',
      'grpc.perTryTimeout',
      'grpc.backOff',
    ],
    envoy: 'all',
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
  },
  MeshHealthCheck: { skerry: 'none', envoy: 'all' },
  MeshRateLimit: { skerry: 'none', envoy: 'all' },
  MeshFaultInjection: { skerry: 'none', envoy: 'all' },
  MeshTLS: { skerry: ['mode'], envoy: ['mode', 'tlsVersion', 'tlsCiphers'] },
  MeshAccessLog: { skerry: 'none', envoy: 'all' },
  MeshTrace: { skerry: 'none', envoy: 'all' },
  MeshMetric: { skerry: 'none', envoy: 'none' },
  MeshPassthrough: { skerry: 'none', envoy: 'none' },
  MeshProxyPatch: { skerry: 'none', envoy: 'all' },
}

/** A setting that a policy made and this data plane does not act on. */
export interface Unenforced {
  /** The policy's KRI. */
  readonly resource: string
  readonly reason: string
}

const clientNames: Readonly<Record<ClientKind, string>> = { skerry: 'the built-in proxy', envoy: 'Envoy' }

/** What policies want of this proxy that a data plane of that kind does not do; each once. */
export function unenforced(plan: ProxyPlan, client: ClientKind): Unenforced[] {
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
      for (const { path, origin } of list) if (origin !== 'default' && !enforces(kind, path, client)) report(origin, kind, path)
    }
  }
  for (const listener of plan.listeners) {
    if (listener.kind !== 'inbound') continue
    for (const { origin, match } of listener.rateLimits) {
      if (match !== null || !enforces('MeshRateLimit', '', client)) report(origin, 'MeshRateLimit', match ? 'a rule with matches' : 'local')
    }
    for (const { origin, match } of listener.faults) {
      if (match !== null || !enforces('MeshFaultInjection', '', client))
        report(origin, 'MeshFaultInjection', match ? 'a rule with matches' : 'http')
    }
  }
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
export function enforces(kind: string, path: string, client: ClientKind): boolean {
  const enforced = enforcement[kind]?.[client] ?? 'none'
  if (enforced === 'all' || enforced === 'none') return enforced === 'all'
  return enforced.some(known => path === known || path.startsWith(`${known}.`) || path.startsWith(`${known}[`))
}

function* settingsOf(plan: ProxyPlan): Generator<Settings> {
  yield plan.settings
  for (const listener of plan.listeners) {
    if ('settings' in listener) yield listener.settings
    if (listener.kind === 'outbound' && listener.target.protocol === 'tcp') yield listener.target.settings
    const hosts =
      listener.kind === 'gateway'
        ? listener.virtualHosts
        : listener.kind === 'outbound' && listener.target.protocol === 'http'
          ? [listener.target.virtualHost]
          : []
    for (const host of hosts) yield* hostSettings(host)
  }
  for (const host of plan.onDemand) yield* hostSettings(host)
  for (const cluster of plan.clusters) if (cluster.kind === 'service') yield cluster.settings
}

function* hostSettings({ settings, routes }: ProxyPlan['onDemand'][number]): Generator<Settings> {
  yield settings
  for (const route of routes) yield route.settings
}
