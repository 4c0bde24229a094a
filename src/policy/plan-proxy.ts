import { type Dataplane, isZoneIngress } from '../model/kinds/dataplane.ts'
import { agentlessOf } from './agentless.ts'
import { defaultPassthrough } from './defaults.ts'
import { type ResolveHost, resolveHost } from './host.ts'
import { identityFor, spiffeIdFor } from './mesh-identity.ts'
import { planMetrics } from './mesh-metric.ts'
import { planPassthrough } from './mesh-passthrough.ts'
import { planProxyPatches } from './mesh-proxy-patch.ts'
import { planTrace } from './mesh-trace.ts'
import type { ListenerPlan, ProxyPlan, TrustPlan, VirtualHostPlan } from './plan.ts'
import { planGateways } from './plan-gateway.ts'
import { planInbound } from './plan-inbound.ts'
import { planHost, planOutbound } from './plan-outbound.ts'
import { planZoneIngress } from './plan-zone-ingress.ts'
import { Planning } from './planning.ts'
import { effective } from './settings.ts'
import type { MeshView } from './view.ts'

/**
 * Everything that one proxy shall do, from all resources at one revision. `wantedHosts` are what its application has asked for by name: hosts of
 * its HTTP proxy port, or (`resolve` = `resolveName`) what a gRPC application dials. What cannot be planned is left out with a warning; the rest
 * stands.
 */
export function planProxy(
  view: MeshView,
  dataplane: Dataplane,
  wantedHosts: Iterable<string> = [],
  resolve: ResolveHost = resolveHost,
): ProxyPlan {
  const planning = new Planning(view, dataplane)
  const networking = dataplane.spec.networking
  const listeners: ListenerPlan[] = []
  const onDemand: VirtualHostPlan[] = []
  for (const inbound of networking.inbound ?? []) if (inbound.state !== 'Ignored') listeners.push(planInbound(planning, inbound))
  const taken = new Set<string>()
  for (const outbound of networking.outbound ?? []) {
    const plan = planOutbound(planning, outbound, taken)
    taken.add(plan.name)
    listeners.push(plan)
  }
  if (networking.httpProxy) {
    const { address = '127.0.0.1', port } = networking.httpProxy
    listeners.push({ kind: 'http-proxy', name: 'http_proxy', address, port })
  }
  for (const host of wantedHosts) {
    const plan = planHost(planning, host, resolve)
    if (plan) onDemand.push(plan)
  }
  if (networking.gateway?.type === 'BUILTIN') listeners.push(...planGateways(planning))
  for (const listener of networking.listeners ?? [])
    if (listener.type === 'ZoneIngress') listeners.push(planZoneIngress(planning, listener))
  if (isZoneIngress(dataplane.spec)) listeners.push(...planAgentless(planning))
  return {
    mesh: view.mesh,
    name: dataplane.name,
    zone: view.zone,
    role: roleOf(dataplane),
    labels: dataplane.labels,
    spiffeId: identityOf(planning),
    trust: trustOf(view),
    listeners,
    clusters: [...planning.clusters.values()],
    onDemand,
    ...wholeProxy(planning),
    warnings: planning.warnings,
  }
}

/** On a zone gateway: a listener for each group of this zone's workloads that have no proxy. */
function* planAgentless(planning: Planning): Generator<ListenerPlan> {
  for (const { listener, cluster, warnings } of agentlessOf(planning.view).groups) {
    planning.clusters.set(cluster.name, cluster)
    for (const { resource, reason } of warnings) planning.warn(resource, reason)
    yield listener
  }
}

/** What a proxy is, by what its Dataplane has. */
export function roleOf(dataplane: Dataplane): ProxyPlan['role'] {
  if (dataplane.spec.networking.gateway?.type === 'BUILTIN') return 'gateway'
  return isZoneIngress(dataplane.spec) ? 'zone-gateway' : 'sidecar'
}

/** The bundles that every proxy of the mesh gets: those of all zones, by trust domain. */
export function trustOf(view: MeshView): TrustPlan[] {
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

function identityOf(planning: Planning): string | null {
  const { view, dataplane } = planning
  const subject = { mesh: view.mesh, zone: view.zone, name: dataplane.name, labels: dataplane.labels }
  const identity = identityFor(view.list('MeshIdentity'), subject)
  if (identity) return spiffeIdFor(identity, subject)
  planning.warn(planning.kri, 'no MeshIdentity selects this proxy: it has no certificate, and neither calls others nor is called')
  return null
}

/** Of kinds that say one thing to the whole proxy. */
function wholeProxy(planning: Planning): Pick<ProxyPlan, 'trace' | 'metrics' | 'passthrough' | 'patches' | 'settings'> {
  const trace = planning.rules('MeshTrace').proxyConf()
  const metrics = planning.rules('MeshMetric').proxyConf()
  const passthrough = effective(defaultPassthrough, planning.rules('MeshPassthrough').proxyConf())
  return {
    trace: trace && planTrace(trace.conf, ref => planning.otelBackend(trace, ref)),
    metrics: metrics && planMetrics(metrics.conf, ref => planning.otelBackend(metrics, ref)),
    passthrough: planPassthrough(passthrough.conf),
    patches: planProxyPatches(planning.rules('MeshProxyPatch').proxyConf()?.layers ?? []),
    settings: {
      ...(trace ? { MeshTrace: effective({}, trace).settings } : {}),
      ...(metrics ? { MeshMetric: effective({}, metrics).settings } : {}),
      MeshPassthrough: passthrough.settings,
    },
  }
}
