import type { MeshService } from '../model/kinds/mesh-service.ts'
import { kriOf } from '../model/kri.ts'
import { trustBetween } from '../policy/endpoints.ts'
import type { PlanWarning, ProxyPlan } from '../policy/plan.ts'
import type { Reconciler } from './reconcile.ts'
import type { TrustCounts } from './trust/trust-counts.ts'

/** What is amiss with a proxy and with the zones that it calls, by live facts, which its plan knows nothing of. */
export function liveWarnings(plan: ProxyPlan, reconciler: Reconciler, trust: TrustCounts): PlanWarning[] {
  const { mesh, name } = plan
  const view = reconciler.view(mesh)
  const dataplane = view.get('Dataplane', name)
  const warnings = new Map<string, PlanWarning>()
  const warn = (resource: string, reason: string) => warnings.set(`${resource} ${reason}`, { resource, reason })
  if (dataplane && trust.of(mesh).behind.includes(name))
    warn(kriOf(dataplane), 'it has not acknowledged the newest trust bundles in time: those of zones that joined since are strangers to it')
  for (const cluster of plan.clusters) {
    if (cluster.kind !== 'service' || cluster.endpoints.scope !== 'all') continue
    for (const { zone, demoted } of reconciler.endpoints(mesh, cluster.endpoints).groups)
      if (demoted !== undefined) warn(cluster.name, `zone ${zone} comes last, because it seems dead: ${demoted}`)
    const service = view.services.get(cluster.endpoints.service)
    for (const member of service ? view.membersOf(service) : []) {
      if (member.zone === view.zone || (member.resource as MeshService).spec.state === 'Unavailable') continue
      const trusted = trustBetween(view, member)
      if (trusted.kind === 'untrusted') warn(cluster.name, `zone ${member.zone} is not called yet: ${trusted.reason}`)
    }
  }
  return [...warnings.values()]
}
