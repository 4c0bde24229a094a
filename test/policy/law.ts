import fc from 'fast-check'
import type { Dataplane } from '../../src/model/kinds/dataplane.ts'
import type { Policy } from '../../src/policy/rules/policy.ts'

/** The rules that are held to the laws: the project's own, or a copy with a mistake in it. */
export interface Rules {
  readonly fields: typeof import('../../src/policy/rules/fields.ts')
  readonly match: typeof import('../../src/policy/rules/match.ts')
  readonly merge: typeof import('../../src/policy/rules/merge.ts')
  readonly mergeRoutes: typeof import('../../src/policy/rules/merge-routes.ts')
  readonly order: typeof import('../../src/policy/rules/order.ts')
  readonly policyIndex: typeof import('../../src/policy/rules/policy-index.ts')
  readonly proxyRules: typeof import('../../src/policy/rules/proxy-rules.ts')
  readonly routePrecedence: typeof import('../../src/policy/rules/route-precedence.ts')
  readonly selectorIndex: typeof import('../../src/policy/rules/selector-index.ts')
}

/** Holds for all worlds; throws where it does not. */
export interface Law {
  readonly name: string
  readonly check: (rules: Rules, options?: fc.Parameters<unknown>) => void
}

/** A law that is a property of small worlds. */
export function law<T extends [unknown, ...unknown[]]>(
  name: string,
  arbitraries: { [K in keyof T]: fc.Arbitrary<T[K]> },
  holds: (rules: Rules, ...world: T) => void,
): Law {
  return {
    name,
    check: (rules, options) =>
      fc.assert(fc.property(...arbitraries, (...world) => holds(rules, ...world)) as fc.IProperty<unknown>, options),
  }
}

export const names = (all: readonly Policy[]): string[] => all.map(({ name }) => name)

/** What policies say to a proxy. */
export function rulesOf({ policyIndex, proxyRules }: Rules, all: readonly Policy[], proxy: Dataplane) {
  return new proxyRules.ProxyRules(policyIndex.PolicyIndex.of(all), { dataplane: proxy, gateways: [] })
}
