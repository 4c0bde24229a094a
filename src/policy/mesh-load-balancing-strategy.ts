import type {
  LoadBalancer,
  LoadBalancingConf,
  LocalityAwareness,
  MeshLoadBalancingStrategy,
} from '../model/kinds/mesh-load-balancing-strategy.ts'
import { defaultLocality } from './defaults.ts'
import type { FailoverRule, LocalityPlan, Origin, ServiceClusterPlan } from './plan.ts'
import { confFor } from './to-rules.ts'
import type { ServiceView } from './view.ts'

/** How a caller ranks and picks the instances of a service, from the policies that apply to it (ascending). */
export function planLoadBalancing(
  zone: string,
  policies: readonly MeshLoadBalancingStrategy[],
  service: ServiceView,
  section: string,
  callerLabels: Readonly<Record<string, string>>,
): { locality: LocalityPlan; balancer: ServiceClusterPlan['balancer']; origins: { locality: Origin; balancer: Origin } } {
  const found = confFor<LoadBalancingConf>(policies, service, section)
  const conf = found?.conf
  return {
    locality: conf?.localityAwareness ? localityOf(conf.localityAwareness, zone, callerLabels) : defaultLocality,
    balancer: balancerOf(conf?.loadBalancer),
    origins: { locality: conf?.localityAwareness ? found!.origin : 'default', balancer: conf?.loadBalancer ? found!.origin : 'default' },
  }
}

function localityOf(awareness: LocalityAwareness, zone: string, labels: Readonly<Record<string, string>>): LocalityPlan {
  const { localZone, crossZone, disabled } = awareness
  // A localZone or crossZone block still ranks zones when `disabled` stands beside it, as in Kuma.
  if (!localZone && !crossZone) return disabled ? { ...defaultLocality, ignoreZones: true } : defaultLocality
  return {
    ignoreZones: false,
    affinity: affinityOf(localZone?.affinityTags ?? [], labels),
    failover: (crossZone?.failover ?? [])
      .filter(rule => !rule.from || rule.from.zones.includes(zone))
      .map<FailoverRule>(rule => ({ type: rule.to.type, zones: rule.to.zones ?? [] })),
    overprovisioning: overprovisioning(crossZone?.failoverThreshold?.percentage),
  }
}

/** A tag without a weight counts ten times the tag after it, and the last of them nine times what matches none. */
function affinityOf(
  tags: readonly { readonly key: string; readonly weight?: number | undefined }[],
  labels: Readonly<Record<string, string>>,
): LocalityPlan['affinity'] {
  return tags.flatMap((tag, index) => {
    const value = labels[tag.key]
    return value === undefined ? [] : [{ key: tag.key, value, weight: tag.weight ?? 9 * 10 ** (tags.length - index - 1) }]
  })
}

/** Traffic spills when less than `percentage` of a priority is healthy: Envoy counts health × factor, full at 100. */
function overprovisioning(percentage: number | string | undefined): number {
  const percent = Number(percentage ?? 50)
  return percent > 0 ? Math.ceil(10_000 / percent) : 1_000_000
}

function balancerOf(conf: LoadBalancer | undefined): ServiceClusterPlan['balancer'] {
  if (!conf) return { type: 'LeastRequest', choiceCount: 2 }
  switch (conf.type) {
    case 'LeastRequest':
      return { type: 'LeastRequest', choiceCount: conf.leastRequest?.choiceCount ?? 2 }
    case 'Random':
      return { type: 'Random' }
    default:
      return { type: 'RoundRobin' }
  }
}
