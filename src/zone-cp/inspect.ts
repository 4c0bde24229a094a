import type { DataplaneFacts } from '../derive/facts.ts'
import { isConnected } from '../derive/facts.ts'
import { notDone } from '../envoy/enforcement.ts'
import { type Dataplane, isAgentless } from '../model/kinds/dataplane.ts'
import type { LiveFacts } from '../registry/live.ts'
import type { Registry } from '../registry/registry.ts'
import { liveWarnings } from './live-warnings.ts'
import { factsKey, type ReadinessTracker } from './readiness-tracker.ts'
import type { Reconciler } from './reconcile.ts'
import type { TrustCounts } from './trust/trust-counts.ts'

/** Everything known of one proxy: what it shall do and by whose word, whether it does, and why it is ready or not. undefined = no such Dataplane. */
export function inspectDataplane(
  parts: {
    registry: Registry
    reconciler: Reconciler
    facts: LiveFacts<string, DataplaneFacts>
    readiness: ReadinessTracker
    trust: TrustCounts
  },
  mesh: string,
  name: string,
): unknown {
  const { registry, reconciler, facts, readiness, trust } = parts
  const dataplane = registry.get<Dataplane>({ kind: 'Dataplane', mesh, name })
  const plan = reconciler.plan(mesh, name)
  if (!dataplane || !plan) return undefined
  const known = facts.get(factsKey(mesh, name))
  const state = readiness.of(dataplane)
  const clusters = plan.clusters.map(cluster => {
    if (cluster.kind !== 'service') return cluster
    const { groups, overprovisioning } = reconciler.endpoints(mesh, cluster.endpoints)
    return { ...cluster, endpoints: { overprovisioning, groups } }
  })
  return {
    mesh,
    name,
    zone: plan.zone,
    role: isAgentless(dataplane) ? 'none' : plan.role,
    connected: known ? isConnected(known) : false,
    ...(known ? { engine: known.engine, version: known.version } : {}),
    readiness: { proxy: state.proxy, inbounds: Object.fromEntries(state.inbounds), listeners: Object.fromEntries(state.zoneListeners) },
    ...(known?.certificate
      ? { certificate: { ...known.certificate, notAfter: new Date(known.certificate.notAfterMs).toISOString() } }
      : {}),
    refusals: known?.refusals ?? [],
    warnings: [...plan.warnings, ...notDone(plan, known?.engine ?? ''), ...liveWarnings(plan, reconciler, trust, readiness)],
    spiffeId: plan.spiffeId,
    trustDomains: plan.trust.map(trust => trust.trustDomain),
    listeners: plan.listeners,
    clusters,
    onDemand: plan.onDemand,
    trace: plan.trace,
    metrics: plan.metrics,
    passthrough: plan.passthrough,
    settings: plan.settings,
  }
}
