import { type DataplaneFacts, isConnected } from '../derive/facts.ts'
import { notDone } from '../envoy/enforcement.ts'
import { kindByName } from '../model/kinds/index.ts'
import { kriOf } from '../model/kri.ts'
import type { Policy } from '../policy/rules/policy.ts'
import { reachedBy } from '../policy/rules/reach.ts'
import type { LiveFacts } from '../registry/live.ts'
import type { Registry } from '../registry/registry.ts'
import { factsKey } from './readiness-tracker.ts'
import type { Reconciler } from './reconcile.ts'

/** What becomes of a policy in one zone. */
export interface PolicyInspection {
  readonly zone: string
  /** Proxies that it says something to. */
  readonly reached: number
  /** Parts of it that cannot be applied to some of them: why, to how many, and to which, as far as one can read. */
  readonly problems: readonly { readonly reason: string; readonly total: number; readonly dataplanes: readonly string[] }[]
}

const NAMED = 20

/** Of the policy with this KRI, by what the zone's connected proxies were told; null = the zone does not know it. */
export function inspectPolicy(
  parts: { registry: Registry; reconciler: Reconciler; facts: LiveFacts<string, DataplaneFacts>; zone: string },
  { mesh, kind, kri }: { readonly mesh: string; readonly kind: string; readonly kri: string },
): PolicyInspection | null {
  const { registry, reconciler, facts, zone } = parts
  if (!kindByName(kind)?.policy) return null
  const policy = registry.list<Policy>(kind, mesh).find(candidate => kriOf(candidate) === kri)
  if (!policy) return null
  const reached = reachedBy(reconciler.view(mesh), policy)
  const problems = new Map<string, { total: number; dataplanes: string[] }>()
  for (const { name } of reached) {
    const known = facts.get(factsKey(mesh, name))
    const plan = known && isConnected(known) ? reconciler.plan(mesh, name) : null
    if (!plan) continue
    const warnings = [...plan.warnings, ...notDone(plan, known?.engine ?? '')]
    for (const reason of new Set(warnings.filter(({ resource }) => resource === kri).map(warning => warning.reason))) {
      const problem = problems.get(reason) ?? { total: 0, dataplanes: [] }
      problems.set(reason, problem)
      problem.total++
      if (problem.dataplanes.length < NAMED) problem.dataplanes.push(name)
    }
  }
  return {
    zone,
    reached: reached.length,
    problems: [...problems].map(([reason, { total, dataplanes }]) => ({ reason, total, dataplanes })),
  }
}
