import { kriOf } from '../../model/kri.ts'
import type { Resource } from '../../model/resource.ts'
import { type InboundRule, inboundRules } from './inbound-rules.ts'
import { mergeLayers } from './merge-layers.ts'
import type { Policy, RuleConf, RuleOrigin } from './policy.ts'
import { type Destination, resolveTarget } from './resolve.ts'
import type { MeshWide, ToEntry, ToIndex } from './to-index.ts'

/** A rule for what a `to` item names. */
export interface ResourceRule extends RuleConf, Destination {
  /** Of the resource and its section. */
  readonly kri: string
}

/** What follows from some policies of one kind. Everything is worked out when it is first asked for, once. */
export class PolicySet {
  /** The policies of the kind, of which some are in the set. */
  readonly #all: readonly Policy[]
  /** By place in `#all`: 1 = it is in the set. A byte each, because a mesh can have as many sets as proxies. */
  readonly #isMember: Uint8Array
  readonly #to: ToIndex
  readonly #originOf: (policy: Policy, ruleIndex: number) => RuleOrigin
  #policies: readonly Policy[] | undefined
  #meshWide: MeshWide | undefined
  #inbound: readonly InboundRule[] | undefined
  #fromAll: RuleConf | null | undefined
  #proxy: RuleConf | null | undefined

  /** Made by `PolicyIndex`, of the policies at some places of `all`. */
  constructor(places: readonly number[], all: readonly Policy[], to: ToIndex, originOf: (policy: Policy, ruleIndex: number) => RuleOrigin) {
    this.#all = all
    this.#isMember = new Uint8Array(all.length)
    for (const place of places) this.#isMember[place] = 1
    this.#to = to
    this.#originOf = originOf
  }

  /** Least important first. */
  get policies(): readonly Policy[] {
    this.#policies ??= this.#all.filter((_, place) => this.#isMember[place] === 1)
    return this.#policies
  }

  /**
   * What holds for calls to a part of a resource (`section` = the name of a port), for those to the whole of it (''), or, where
   * `resource` is the Mesh, for all calls. null = no policy says anything.
   */
  confFor(resource: Resource, section: string): RuleConf | null {
    return this.#to.merged(this.#general(), this.#about(resource, section))
  }

  /** What holds for requests that a MeshHTTPRoute takes: what is said of the route, over what is said of the whole mesh. null = nothing is
   *  said of this route; then what holds for the destination holds for them. */
  confForRoute(route: Resource): RuleConf | null {
    const said = this.#about(route, '')
    return said.length > 0 ? this.#to.merged(this.#general(), said) : null
  }

  /** A rule for each resource, or section of one, that a `to` item names, by KRI. */
  resourceRules(list: (kind: string) => Iterable<Resource>): ResourceRule[] {
    const named = new Map<string, Destination>()
    for (const { origin, item } of this.#to.entries.filter(this.#isIn)) {
      for (const destination of resolveTarget(origin.policy, item.targetRef, list))
        named.set(kriOf(destination.resource, destination.section), destination)
    }
    return [...named]
      .map(([kri, destination]) => ({ kri, ...destination, ...this.confFor(destination.resource, destination.section)! }))
      .sort((a, b) => (a.kri < b.kri ? -1 : 1))
  }

  /** What holds for traffic that comes in, first match first where matches differ. */
  inboundRules(): readonly InboundRule[] {
    this.#inbound ??= inboundRules(this.policies, this.#originOf)
    return this.#inbound
  }

  /** The rules for traffic that comes in from anybody, as one. null = there is none. */
  confFromAll(): RuleConf | null {
    if (this.#fromAll === undefined) this.#fromAll = mergeLayers(this.inboundRules().filter(rule => rule.match === undefined))
    return this.#fromAll
  }

  /** What policies with a single `default` say of the whole proxy. null = there is none. */
  proxyConf(): RuleConf | null {
    if (this.#proxy === undefined) {
      const speaking = this.policies.filter(policy => policy.spec.default !== undefined)
      this.#proxy = mergeLayers(speaking.map(policy => ({ origin: this.#originOf(policy, 0), conf: policy.spec.default })))
    }
    return this.#proxy
  }

  readonly #isIn = ({ rank }: ToEntry): boolean => this.#isMember[rank] === 1

  #general(): MeshWide {
    this.#meshWide ??= this.#to.meshWide(this.#isIn)
    return this.#meshWide
  }

  #about(resource: Resource, section: string): readonly ToEntry[] {
    const all = this.#to.about(resource, section)
    return all.length === 0 ? all : all.filter(this.#isIn)
  }
}
