import { type Dataplane, isAgentless } from '../model/kinds/dataplane.ts'
import type { MeshService } from '../model/kinds/mesh-service.ts'
import { kriOf } from '../model/kri.ts'
import { trustBetween } from '../policy/endpoints.ts'
import type { PlanWarning, ProxyPlan } from '../policy/plan.ts'
import type { ReadinessTracker } from './readiness-tracker.ts'
import type { Reconciler } from './reconcile.ts'
import type { TrustCounts } from './trust/trust-counts.ts'

/** What is amiss with a proxy and with the zones that it calls, by live facts, which its plan knows nothing of. */
export function liveWarnings(plan: ProxyPlan, reconciler: Reconciler, trust: TrustCounts, readiness: ReadinessTracker): PlanWarning[] {
  const { mesh, name } = plan
  const view = reconciler.view(mesh)
  const dataplane = view.get('Dataplane', name)
  const warnings = new Map<string, PlanWarning>()
  const warn = (resource: string, reason: string) => warnings.set(`${resource} ${reason}`, { resource, reason })
  if (dataplane && trust.of(mesh).behind.includes(name))
    warn(kriOf(dataplane), 'it has not acknowledged the newest trust bundles in time: those of zones that joined since are strangers to it')
  for (const reason of dataplane ? unservedReasons([dataplane], readiness) : []) warn(kriOf(dataplane!), reason)
  for (const cluster of plan.clusters) {
    if (cluster.kind !== 'service' || cluster.endpoints.scope !== 'all') continue
    for (const { zone, demoted } of reconciler.endpoints(mesh, cluster.endpoints).groups)
      if (demoted !== undefined) warn(cluster.name, `zone ${zone} comes last, because it seems dead: ${demoted}`)
    const service = view.services.get(cluster.endpoints.service)
    for (const member of service ? view.membersOf(service) : []) {
      if (member.zone === view.zone)
        for (const reason of unservedReasons(view.instancesOf(member.resource as MeshService), readiness))
          warn(cluster.name, `instances that have no proxy are not called: ${reason}`)
      if (member.zone === view.zone || (member.resource as MeshService).spec.state === 'Unavailable') continue
      const trusted = trustBetween(view, member)
      if (trusted.kind === 'untrusted') warn(cluster.name, `zone ${member.zone} is not called yet: ${trusted.reason}`)
    }
  }
  return [...warnings.values()]
}

/** Why workloads without a proxy are not answered for by their zone's gateways; each reason once. */
function unservedReasons(dataplanes: readonly Dataplane[], readiness: ReadinessTracker): ReadonlySet<string> {
  const reasons = new Set<string>()
  for (const dataplane of dataplanes.filter(isAgentless)) {
    for (const inbound of dataplane.spec.networking.inbound ?? []) {
      const served = readiness.servedOf(dataplane, inbound)
      if (served.kind === 'unserved') reasons.add(served.reason)
    }
  }
  return reasons
}
