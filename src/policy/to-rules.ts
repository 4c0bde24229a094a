import { kriOf } from '../model/kri.ts'
import type { Resource } from '../model/resource.ts'
import { matchesLabels, type TargetRef } from '../model/target-ref.ts'
import { mergeConfs } from './merge.ts'
import { compareToItems } from './order.ts'
import type { Origin } from './plan.ts'
import type { ServiceView } from './view.ts'

interface ToPolicySpec {
  readonly to?: readonly { readonly targetRef: TargetRef; readonly default?: unknown }[]
}

/**
 * The configuration that a caller's policies (ascending, see `matchPolicies`) give a destination: every `to` item that covers it, the
 * broader first, merged; null = none does.
 */
export function confFor<Conf>(
  policies: readonly Resource<ToPolicySpec>[],
  service: ServiceView,
  section: string,
): { conf: NonNullable<Conf>; origin: Origin } | null {
  const covering = policies
    .flatMap(policy => (policy.spec.to ?? []).map(item => ({ policy, item })))
    .filter(({ item }) => covers(item.targetRef, service, section))
    .sort(compareToItems)
  const conf = mergeConfs(covering.map(({ item }) => item.default ?? {}))
  return conf === undefined ? null : { conf: conf as NonNullable<Conf>, origin: kriOf(covering.at(-1)!.policy) }
}

export function covers(ref: TargetRef, service: ServiceView, section: string): boolean {
  if (ref.kind === 'Mesh') return true
  if (ref.kind !== service.kind) return false
  if (ref.sectionName && ref.sectionName !== section && ref.sectionName !== String(service.ports.find(port => port.name === section)?.port))
    return false
  return matchesLabels(service.resource, ref.labels)
}
