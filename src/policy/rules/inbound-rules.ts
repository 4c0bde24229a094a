import { compareMatches } from './order.ts'
import type { InboundMatch, Layer, Policy, RuleOrigin } from './policy.ts'

/** What one item of one policy says of traffic that one of its matches takes; without a match, of all. */
export interface InboundRule extends Layer {
  readonly match: InboundMatch | undefined
}

/**
 * The `rules` of policies (ascending), one for each match. They are not merged: the more specific match comes first, and of equal ones
 * the rule of the less important policy. https://github.com/kumahq/kuma/blob/master/docs/madr/decisions/069-inbound-policies.md
 */
export function inboundRules(policies: readonly Policy[], originOf: (policy: Policy, ruleIndex: number) => RuleOrigin): InboundRule[] {
  return policies
    .flatMap(policy =>
      (policy.spec.rules ?? []).flatMap((rule, index): InboundRule[] => {
        const origin = originOf(policy, index)
        const matches = rule.matches?.length ? rule.matches : [undefined]
        return matches.map(match => ({ match, conf: rule.default ?? {}, origin }))
      }),
    )
    .sort((a, b) => compareMatches(a.match, b.match))
}
