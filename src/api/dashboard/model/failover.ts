import type { LoadBalancingConf, MeshLoadBalancingStrategy } from '../../../model/kinds/mesh-load-balancing-strategy.ts'
import type { MeshMultiZoneService } from '../../../model/kinds/mesh-multi-zone-service.ts'
import { portName } from '../../../model/kinds/mesh-service.ts'
import { originLabel, zoneLabel } from '../../../model/labels.ts'
import { defaultLoadBalancing } from '../../../policy/defaults.ts'
import { priorityOf } from '../../../policy/endpoints.ts'
import { planLocality } from '../../../policy/mesh-load-balancing-strategy.ts'
import type { PolicyProxy } from '../../../policy/rules/match.ts'
import { PolicyIndex } from '../../../policy/rules/policy-index.ts'
import { ProxyRules } from '../../../policy/rules/proxy-rules.ts'
import { covers } from '../../../policy/rules/resolve.ts'
import { effective } from '../../../policy/settings.ts'
import type { Tiers } from '../schema/service.ts'

export interface FailoverOrder {
  /** KRI of the policy that decides; null = built-in. */
  readonly policy: string | null
  /** Some callers have a policy of their own. */
  readonly perCaller: boolean
  /** Rank of a zone, 0 = first choice; null = callers do not go there. */
  readonly tierOf: (zone: string) => number | null
}

/**
 * Where callers of a zone go for a service that unites several, as it is planned for a proxy of which nothing is known but its zone.
 * `from` '' = a caller of no zone in particular: then no zone is first for being the caller's own. `strategies` are the mesh's, and the
 * same array as long as none of them changes.
 */
export function failoverOrder(
  union: MeshMultiZoneService,
  strategies: readonly MeshLoadBalancingStrategy[],
  zones: readonly string[],
  from: string,
): FailoverOrder {
  const section = portName(union.spec.ports[0]!)
  const found = new ProxyRules<LoadBalancingConf>(PolicyIndex.ofTable(strategies), callerIn(from)).confFor(union, section)
  const speaking = found?.layers.findLast(({ conf }) => (conf as LoadBalancingConf).localityAwareness !== undefined)
  const locality = planLocality(effective(defaultLoadBalancing, found).conf, { zone: from, labels: {} }, false)
  const ranks = new Map(zones.map(zone => [zone, priorityOf(zone, from, locality)]))
  const used = [...new Set([...ranks.values()].filter(rank => rank !== null))].sort((a, b) => a - b)
  return {
    policy: speaking?.origin.kri ?? null,
    perCaller: strategies.some(
      strategy => isForSome(strategy) && strategy.spec.to.some(item => covers(strategy, item.targetRef, { resource: union, section })),
    ),
    tierOf: zone => {
      const rank = ranks.get(zone)
      return rank === null || rank === undefined ? null : used.indexOf(rank)
    },
  }
}

/** The same for every zone that callers may be in. */
export function tiersOf(
  union: MeshMultiZoneService,
  strategies: readonly MeshLoadBalancingStrategy[],
  zones: readonly string[],
  callers: readonly string[],
): Tiers[] {
  return callers.map(from => {
    const { policy, tierOf } = failoverOrder(union, strategies, zones, from)
    const byTier = Map.groupBy(zones, tierOf)
    const tiers = [...byTier.keys()].filter(tier => tier !== null).sort((a, b) => a - b)
    return { from, policy, tiers: tiers.map(tier => byTier.get(tier)!) }
  })
}

/** A proxy that policies for the whole mesh reach, and none that are for some. */
function callerIn(zone: string): PolicyProxy {
  const labels: Record<string, string> = zone === '' ? {} : { [originLabel]: 'zone', [zoneLabel]: zone }
  return { dataplane: { name: '', labels, spec: { networking: { address: '127.0.0.1', gateway: {} } } }, gateways: [] }
}

function isForSome({ spec }: MeshLoadBalancingStrategy): boolean {
  const isForProxies = spec.targetRef !== undefined && spec.targetRef.kind !== 'Mesh'
  return isForProxies || spec.to.some(item => item.default.localityAwareness?.crossZone?.failover?.some(rule => rule.from !== undefined))
}
