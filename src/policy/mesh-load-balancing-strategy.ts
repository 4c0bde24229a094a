import { durationMs } from '../model/duration.ts'
import type { HashPolicy, LoadBalancer, LoadBalancingConf, LocalityAwareness } from '../model/kinds/mesh-load-balancing-strategy.ts'
import { numberOf } from '../model/schema.ts'
import { defaultLocality } from './defaults.ts'
import type { FailoverRule, LocalityPlan } from './plan.ts'

/** How one of equal instances is picked. */
export type BalancerPlan =
  | { readonly type: 'RoundRobin' }
  | { readonly type: 'LeastRequest'; readonly choiceCount: number; readonly activeRequestBias: number | null }
  | { readonly type: 'Random' }
  | {
      readonly type: 'RingHash'
      readonly hashFunction: 'XXHash' | 'MurmurHash2'
      readonly minRingSize: number | null
      readonly maxRingSize: number | null
    }
  | { readonly type: 'Maglev'; readonly tableSize: number | null }

/** What a request is hashed by; with the first `terminal` one that gives a value the others are not looked at. */
export type HashPolicyPlan = { readonly terminal: boolean } & (
  | { readonly type: 'header'; readonly name: string }
  | { readonly type: 'cookie'; readonly name: string; readonly ttlMs: number | null; readonly path: string | null }
  | { readonly type: 'source-ip' }
  | { readonly type: 'query'; readonly name: string }
  | { readonly type: 'filter-state'; readonly key: string }
)

/** On a policy: priorities with Kuma's gaps and its truncated overprovisioning factor, for those who compare. */
export const exactFailoverLabel = 'skerry.io/failover'

/** How a caller in `zone`, with these labels, ranks the instances of a service. https://kuma.io/docs/latest/policies/meshloadbalancingstrategy/ */
export function planLocality(
  { localityAwareness }: LoadBalancingConf,
  caller: { readonly zone: string; readonly labels: Readonly<Record<string, string>> },
  exact: boolean,
): LocalityPlan {
  return localityAwareness ? localityOf(localityAwareness, caller, exact) : defaultLocality
}

export function planBalancer({ loadBalancer }: LoadBalancingConf): BalancerPlan {
  const conf: LoadBalancer = loadBalancer ?? { type: 'RoundRobin' }
  switch (conf.type) {
    case 'RoundRobin':
    case 'Random':
      return { type: conf.type }
    case 'LeastRequest': {
      const { choiceCount = 2, activeRequestBias } = conf.leastRequest ?? {}
      return { type: 'LeastRequest', choiceCount, activeRequestBias: activeRequestBias === undefined ? null : numberOf(activeRequestBias) }
    }
    case 'RingHash': {
      const { hashFunction = 'XXHash', minRingSize = null } = conf.ringHash ?? {}
      const maxRingSize = ringContradiction({ loadBalancer }) ? null : (conf.ringHash?.maxRingSize ?? null)
      return { type: 'RingHash', hashFunction: hashFunction === 'MurmurHash2' ? 'MurmurHash2' : 'XXHash', minRingSize, maxRingSize }
    }
    case 'Maglev':
      return { type: 'Maglev', tableSize: conf.maglev?.tableSize ?? null }
  }
}

/** What is wrong between settings that are right each by itself, which two policies can make; null = nothing. */
export function ringContradiction({ loadBalancer }: Pick<LoadBalancingConf, 'loadBalancer'>): string | null {
  if (loadBalancer?.type !== 'RingHash') return null
  const { minRingSize, maxRingSize } = loadBalancer.ringHash ?? {}
  if (minRingSize === undefined || maxRingSize === undefined || minRingSize <= maxRingSize) return null
  return `ringHash.maxRingSize ${maxRingSize} is less than minRingSize ${minRingSize}: two policies are at odds, and maxRingSize is left out`
}

export function planHashPolicies({ hashPolicies = [] }: LoadBalancingConf): HashPolicyPlan[] {
  return hashPolicies.flatMap(hashPolicyOf)
}

function hashPolicyOf(policy: HashPolicy): HashPolicyPlan[] {
  const terminal = policy.terminal ?? false
  switch (policy.type) {
    case 'Header':
      return [{ terminal, type: 'header', name: policy.header.name.toLowerCase() }]
    case 'Cookie': {
      const { name, ttl, path = null } = policy.cookie
      return [{ terminal, type: 'cookie', name, ttlMs: ttl === undefined ? null : durationMs(ttl), path }]
    }
    case 'Connection':
      return policy.connection?.sourceIP ? [{ terminal, type: 'source-ip' }] : []
    case 'QueryParameter':
      return [{ terminal, type: 'query', name: policy.queryParameter.name }]
    case 'FilterState':
      return [{ terminal, type: 'filter-state', key: policy.filterState.key }]
  }
}

function localityOf(
  awareness: LocalityAwareness,
  { zone, labels }: { readonly zone: string; readonly labels: Readonly<Record<string, string>> },
  exact: boolean,
): LocalityPlan {
  const { localZone, crossZone, disabled } = awareness
  // A localZone or crossZone block still ranks zones when `disabled` stands beside it, as in Kuma.
  if (!localZone && !crossZone) return disabled ? { ...defaultLocality, ignoreZones: true } : defaultLocality
  return {
    ignoreZones: false,
    affinity: affinityOf(localZone?.affinityTags ?? [], labels),
    failover: (crossZone?.failover ?? []).flatMap((rule, index): FailoverRule[] =>
      !rule.from || rule.from.zones.includes(zone) ? [{ index, type: rule.to.type, zones: rule.to.zones ?? [] }] : [],
    ),
    overprovisioning: overprovisioning(numberOf(crossZone?.failoverThreshold?.percentage ?? 50), exact),
    exact,
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

/** Traffic spills when less than `percent` of a priority is healthy: Envoy counts health × factor, full at 100. Kuma cuts off what 100 / percent
 *  has behind the point, so that everything above 50 means 100. */
function overprovisioning(percent: number, exact: boolean): number {
  if (percent <= 0) return 1_000_000
  return exact ? Math.trunc(100 / percent) * 100 : Math.ceil(10_000 / percent)
}
