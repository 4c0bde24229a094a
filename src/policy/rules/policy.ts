import type { Resource } from '../../model/resource.ts'
import type { TargetRef } from '../../model/target-ref.ts'

/** What the specs of all policies have in common. A kind has `to`, `rules`, both, or one `default` for the whole proxy. */
export interface PolicySpec {
  /** Which proxies; absent = all of the mesh. */
  readonly targetRef?: TargetRef
  readonly to?: readonly ToItem[]
  readonly rules?: readonly RuleItem[]
  readonly default?: unknown
}

export type Policy = Resource<PolicySpec>

/** Traffic that goes out: to what, and what holds for it. Routes have rules instead of a `default`. */
export interface ToItem {
  readonly targetRef: TargetRef
  readonly default?: unknown
  readonly rules?: readonly RouteRuleItem[]
}

/** A rule of a MeshHTTPRoute, or the one of a MeshTCPRoute, which has no matches. */
export interface RouteRuleItem {
  readonly matches?: readonly unknown[]
  readonly default?: unknown
}

/** Traffic that comes in: from whom, and what holds for it. Without matches: from everybody. */
export interface RuleItem {
  readonly matches?: readonly InboundMatch[]
  readonly default?: unknown
}

export interface InboundMatch {
  readonly spiffeID?: { readonly type: string; readonly value: string }
  readonly sni?: { readonly type: string; readonly value: string }
}

/** What contributed to a configuration. */
export interface RuleOrigin {
  readonly policy: Policy
  /** The policy's. */
  readonly kri: string
  /** Position in the policy's `to` or `rules`; 0 where it has a single `default`. */
  readonly ruleIndex: number
}

/** What one item of one policy says, before it is merged with others. */
export interface Layer {
  readonly origin: RuleOrigin
  readonly conf: unknown
}

/** The configuration that several policies give together. */
export interface RuleConf<Conf = unknown> {
  readonly conf: Conf
  /** Each once, least important first. */
  readonly origins: readonly RuleOrigin[]
  /** What was merged, least important first: `fieldsOf` reads from it who set what. */
  readonly layers: readonly Layer[]
}
