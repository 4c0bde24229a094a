import { mergeConfs } from './merge.ts'
import { mergeRouteRules } from './merge-routes.ts'
import type { Layer, RuleConf } from './policy.ts'

/** What several items of policies of one kind say together, least important first; null = there is none. */
export function mergeLayers(layers: readonly Layer[]): RuleConf | null {
  const [first] = layers
  if (!first) return null
  const conf =
    first.origin.policy.kind === 'MeshHTTPRoute'
      ? { rules: mergeRouteRules(layers).map(({ matches, conf }) => ({ matches, default: conf })) }
      : mergeConfs(layers.map(layer => layer.conf))
  const origins = new Map(layers.map(({ origin }) => [`${origin.kri} ${origin.policy.name} ${origin.ruleIndex}`, origin]))
  return { conf, origins: [...origins.values()], layers }
}
