import type { Resource } from '../../model/resource.ts'
import { mergeLayers } from './merge-layers.ts'
import { compareToItems } from './order.ts'
import type { Layer, Policy, RuleConf, RuleOrigin, ToItem } from './policy.ts'
import { covers, selectorOf } from './resolve.ts'
import { SelectorIndex } from './selector-index.ts'

/** An item of a policy's `to`, in the order in which items of all policies of the kind are merged. */
export interface ToEntry extends Layer {
  readonly item: ToItem
  /** Among the items of all policies. */
  readonly place: number
  /** The policy's place in its index. */
  readonly rank: number
}

type Unplaced = Omit<ToEntry, 'place'>

/** Items that are about every call, and what they are called by. */
export interface MeshWide {
  /** Short, and the same for the same items. */
  readonly key: string
  readonly entries: readonly ToEntry[]
}

/** The `to` items of all policies of one kind, found by what they are about. */
export class ToIndex {
  /** Least important first. */
  readonly entries: readonly ToEntry[]
  readonly #meshWide: readonly ToEntry[]
  readonly #byKind = new Map<string, { readonly entries: readonly ToEntry[]; readonly index: SelectorIndex }>()
  readonly #about = new WeakMap<Resource, Map<string, readonly ToEntry[]>>()
  readonly #meshWideKeys = new Map<string, string>()
  readonly #merged = new Map<string, RuleConf>()

  /** `originOf` names a rule of a policy as an origin. */
  constructor(policies: readonly Policy[], originOf: (policy: Policy, ruleIndex: number) => RuleOrigin) {
    this.entries = policies
      .flatMap((policy, rank) =>
        // What comes in through a gateway is not where a proxy's calls go.
        policy.spec.targetRef?.kind === 'MeshGateway'
          ? []
          : (policy.spec.to ?? []).map(
              (item, index): Unplaced => ({ item, rank, origin: originOf(policy, index), conf: confOf(policy, item) }),
            ),
      )
      .sort((a, b) =>
        compareToItems({ policy: a.origin.policy, targetRef: a.item.targetRef }, { policy: b.origin.policy, targetRef: b.item.targetRef }),
      )
      .map((entry, place) => ({ ...entry, place }))
    this.#meshWide = this.entries.filter(({ item }) => item.targetRef.kind === 'Mesh')
    for (const [kind, ofKind] of Map.groupBy(this.entries, ({ item }) => item.targetRef.kind)) {
      const selecting = ofKind.flatMap(entry => {
        const selector = selectorOf(entry.origin.policy, entry.item.targetRef)
        return kind === 'Mesh' || selector === null ? [] : [{ entry, selector }]
      })
      const index = new SelectorIndex(selecting.map(({ selector }) => selector))
      this.#byKind.set(kind, { entries: selecting.map(({ entry }) => entry), index })
    }
  }

  /** The items for all of the mesh that `takes`. */
  meshWide(takes: (entry: ToEntry) => boolean): MeshWide {
    const entries = this.#meshWide.filter(takes)
    const places = entries.map(({ place }) => place).join(',')
    const key = this.#meshWideKeys.get(places) ?? String(this.#meshWideKeys.size)
    this.#meshWideKeys.set(places, key)
    return { key, entries }
  }

  /** The items that name a resource and say something of this part of it, or of the whole of it (`section` ''). */
  about(resource: Resource, section: string): readonly ToEntry[] {
    if (!this.#byKind.has(resource.kind)) return nothing
    let bySection = this.#about.get(resource)
    if (!bySection) {
      bySection = new Map()
      this.#about.set(resource, bySection)
    }
    let found = bySection.get(section)
    if (!found) {
      found = this.#find(resource, section)
      bySection.set(section, found)
    }
    return found
  }

  /**
   * What items for all of the mesh and items about one thing say together; null = there is none of either. The same items give the same
   * object, whoever asks: callers are many, and few are under policies of their own.
   */
  merged(general: MeshWide, specific: readonly ToEntry[]): RuleConf | null {
    if (general.entries.length + specific.length === 0) return null
    const key = `${general.key}/${specific.map(({ place }) => place).join(',')}`
    const known = this.#merged.get(key)
    if (known) return known
    const merged = mergeLayers([...general.entries, ...specific].sort((a, b) => a.place - b.place))!
    this.#merged.set(key, merged)
    return merged
  }

  #find(resource: Resource, section: string): ToEntry[] {
    const { entries, index } = this.#byKind.get(resource.kind)!
    return index
      .candidates(resource.labels)
      .map(candidate => entries[candidate]!)
      .filter(({ origin, item }) => covers(origin.policy, item.targetRef, { resource, section }))
      .sort((a, b) => a.place - b.place)
  }
}

const nothing: readonly ToEntry[] = []

/** What an item contributes to what is merged. Without rules a MeshTCPRoute leads to where its item points. */
function confOf(policy: Policy, { targetRef, default: conf, rules }: ToItem): unknown {
  switch (policy.kind) {
    case 'MeshHTTPRoute':
      return { rules: rules ?? [] }
    case 'MeshTCPRoute': {
      const { kind, labels, sectionName } = targetRef
      const itself = { kind, ...(labels ? { labels } : {}), ...(sectionName ? { sectionName } : {}), weight: 1 }
      return rules?.[0] ?? { default: { backendRefs: [itself] } }
    }
    default:
      return conf ?? {}
  }
}
