import { mergeConfs } from './merge.ts'
import type { Layer, RouteRuleItem, RuleOrigin } from './policy.ts'

/** A rule of an HTTP route, as all policies together say it. */
export interface RouteRule<Match = unknown, Conf = unknown> {
  readonly matches: readonly Match[]
  readonly conf: Conf
  /** The most important policy that has a rule with these matches. */
  readonly origin: RuleOrigin
  /** What was merged, least important first. */
  readonly layers: readonly Layer[]
}

/**
 * Merges the rules of MeshHTTPRoutes (`layers`, least important first; each `conf` is `{ rules }`): rules with the same matches are one,
 * whose parts merge. The rules of the most important policy come first, within a policy those written first: in that order Gateway API
 * looks at rules that are equally specific.
 */
export function mergeRouteRules<Match = unknown, Conf = unknown>(layers: readonly Layer[]): RouteRule<Match, Conf>[] {
  // The last one of a policy is its least important one. Taking out and putting in again moves a rule to where it counts most.
  const merged = new Map<string, { matches: readonly unknown[]; layers: Layer[] }>()
  for (const { origin, conf } of layers) {
    for (const rule of rulesOf(conf).toReversed()) {
      const matches = rule.matches ?? []
      const key = canonicalJson(matches)
      const earlier = merged.get(key)?.layers ?? []
      merged.delete(key)
      merged.set(key, { matches, layers: [...earlier, { origin, conf: rule.default ?? {} }] })
    }
  }
  return [...merged.values()].reverse().map(({ matches, layers }) => ({
    matches: matches as readonly Match[],
    conf: mergeConfs(layers.map(layer => layer.conf)) as Conf,
    origin: layers.at(-1)!.origin,
    layers,
  }))
}

function rulesOf(conf: unknown): readonly RouteRuleItem[] {
  return (conf as { readonly rules?: readonly RouteRuleItem[] }).rules ?? []
}

/** One text for values that are equal, whatever the order of their fields. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}
