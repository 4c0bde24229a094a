import type { Dataplane } from '../../model/kinds/dataplane.ts'
import { fieldsOf, routeFieldsOf } from '../../policy/rules/fields.ts'
import { mergeRouteRules } from '../../policy/rules/merge-routes.ts'
import type { RuleConf } from '../../policy/rules/policy.ts'
import type { Destination } from '../../policy/rules/resolve.ts'
import { type MeshPolicies, rulesFor } from './mesh-policies.ts'
import { originKris, type ShowOptions, shownFields } from './meta.ts'

export function isRouteKind(kind: string): boolean {
  return kind === 'MeshHTTPRoute' || kind === 'MeshTCPRoute'
}

/** `_outbounds/{kri}/_routes`: where calls to a destination go. */
export function showRoutes(policies: MeshPolicies, dataplane: Dataplane, { resource, section }: Destination, { withFields }: ShowOptions) {
  return {
    routes: rulesFor(policies.planning(dataplane), isRouteKind).flatMap(({ kind, rules }) => {
      const found = rules.confFor(resource, section)
      if (!found) return []
      const fields = withFields ? { fields: shownFields(kind === 'MeshHTTPRoute' ? routeFieldsOf(found) : fieldsOf(found)) } : {}
      return [{ kind, rules: showRouteRules(kind, found), origins: originKris(found.origins), ...fields }]
    }),
  }
}

/** The rule of a MeshTCPRoute has neither matches nor a policy that it is of alone. */
function showRouteRules(kind: string, { conf, layers }: RuleConf) {
  if (kind === 'MeshTCPRoute') return [{ kri: '', matches: null, conf: (conf as { readonly default: unknown }).default }]
  return mergeRouteRules(layers).map(({ matches, conf, origin }) => ({ kri: origin.kri, matches, conf }))
}
