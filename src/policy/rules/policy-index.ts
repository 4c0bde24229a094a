import { kriOf } from '../../model/kri.ts'
import { displayNameLabel } from '../../model/labels.ts'
import { isShadow, type PolicyProxy, reaches } from './match.ts'
import { comparePolicies } from './order.ts'
import type { Policy, RuleOrigin } from './policy.ts'
import { PolicySet } from './policy-set.ts'
import { SelectorIndex } from './selector-index.ts'
import { type ToEntry, ToIndex } from './to-index.ts'

/** Where policies come from: a table of a view, or any other collection that never changes. */
export interface PolicyTable {
  values(): Iterable<Policy>
}

/**
 * All policies of one kind, sorted once, and found by the proxies that they reach. Proxies that the same policies reach share one
 * `PolicySet`, and with it every configuration that follows from it.
 */
export class PolicyIndex {
  /** Least important first. */
  readonly policies: readonly Policy[]
  readonly #originOf: (policy: Policy, ruleIndex: number) => RuleOrigin
  readonly #to: ToIndex
  readonly #byDataplane: SelectorIndex
  readonly #sets = new Map<string, PolicySet>()

  private constructor(policies: readonly Policy[]) {
    this.policies = policies
    const kris = new Map(policies.map(policy => [policy, kriOf(policy)]))
    this.#originOf = (policy, ruleIndex) => ({ policy, kri: kris.get(policy)!, ruleIndex })
    this.#to = new ToIndex(policies, this.#originOf)
    this.#byDataplane = new SelectorIndex(
      policies.map(({ spec: { targetRef } }) => (targetRef?.kind === 'Dataplane' ? (targetRef.labels ?? {}) : {})),
    )
  }

  /** Policies of one kind and one mesh. Shadows are left out unless they are asked for. */
  static of(policies: Iterable<Policy>, { withShadows = false } = {}): PolicyIndex {
    return new PolicyIndex([...policies].filter(policy => withShadows || !isShadow(policy)).sort(comparePolicies))
  }

  /** As `of`, and made once for one and the same table: a view shares with the next one the tables that did not change. */
  static ofTable(table: PolicyTable): PolicyIndex {
    const known = indexes.get(table)
    if (known) return known
    const index = PolicyIndex.of(table.values())
    indexes.set(table, index)
    return index
  }

  /** All `to` items, in the order in which they are merged, least important first. */
  get toEntries(): readonly ToEntry[] {
    return this.#to.entries
  }

  /** Places in `policies` of those that reach a proxy, ascending. */
  matching(proxy: PolicyProxy): number[] {
    const { name, labels } = proxy.dataplane
    const known = displayNameLabel in labels ? labels : { ...labels, [displayNameLabel]: name }
    return this.#byDataplane
      .candidates(known)
      .filter(place => reaches(this.policies[place]!, proxy))
      .sort((a, b) => a - b)
  }

  /** What follows from the policies at these places (ascending). */
  setOf(places: readonly number[]): PolicySet {
    const key = places.join(',')
    const known = this.#sets.get(key)
    if (known) return known
    const set = new PolicySet(places, this.policies, this.#to, this.#originOf)
    this.#sets.set(key, set)
    return set
  }
}

const indexes = new WeakMap<PolicyTable, PolicyIndex>()
