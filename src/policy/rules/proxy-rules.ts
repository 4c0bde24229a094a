import type { Resource } from '../../model/resource.ts'
import type { InboundRule } from './inbound-rules.ts'
import { type Entrance, type PolicyProxy, reachesEntrance } from './match.ts'
import type { Policy, RuleConf } from './policy.ts'
import type { PolicyIndex } from './policy-index.ts'
import type { PolicySet, ResourceRule } from './policy-set.ts'

/** What the policies of one kind say to one proxy. Cheap to make: what follows from the policies is shared with other proxies. */
export class ProxyRules<ToConf = unknown, InboundConf = unknown, ProxyConf = unknown> {
  readonly #index: PolicyIndex
  readonly #places: readonly number[]
  readonly #all: PolicySet

  constructor(index: PolicyIndex, proxy: PolicyProxy) {
    this.#index = index
    this.#places = index.matching(proxy)
    this.#all = index.setOf(this.#places)
  }

  /** Those that reach the proxy, or a part of it, least important first. */
  get policies(): readonly Policy[] {
    return this.#all.policies
  }

  /** What holds for calls to a destination's port (`section` = its name; '' = the whole destination); of requests that a MeshHTTPRoute takes,
   *  what is said of it comes first. Looked up from the most specific to the mesh; null = no policy says anything. */
  confFor(destination: Resource, section: string, route?: Resource): RuleConf<ToConf> | null {
    const ofRoute = route ? this.#all.confForRoute(route) : null
    return (ofRoute ?? this.#all.confFor(destination, section)) as RuleConf<ToConf> | null
  }

  /** Rules for traffic that comes in there, in the order in which they are tried where they match differently. */
  inboundRulesFor(entrance: Entrance): readonly InboundRule[] {
    return this.#at(entrance).inboundRules()
  }

  /** The rules for traffic that comes in there from anybody, as one; null = there is none. Not for permissions: each of them counts. */
  inboundConfFor(entrance: Entrance): RuleConf<InboundConf> | null {
    return this.#at(entrance).confFromAll() as RuleConf<InboundConf> | null
  }

  /** Of kinds with a single `default`; null = no policy says anything. */
  proxyConf(): RuleConf<ProxyConf> | null {
    return this.#all.proxyConf() as RuleConf<ProxyConf> | null
  }

  /** A rule for each resource, or section of one, that a `to` item names, by KRI. `list` gives the resources of a kind in the proxy's mesh. */
  resourceRules(list: (kind: string) => Iterable<Resource>): ResourceRule[] {
    return this.#all.resourceRules(list)
  }

  #at(entrance: Entrance): PolicySet {
    return this.#index.setOf(this.#places.filter(place => reachesEntrance(this.#index.policies[place]!, entrance)))
  }
}
