import type { InboundMatch } from '../model/inbound-match.ts'
import type { MeshTrafficPermission } from '../model/kinds/mesh-traffic-permission.ts'
import type { IdMatch, PermissionPlan } from './plan.ts'
import type { Entrance } from './rules/match.ts'
import type { ProxyRules } from './rules/proxy-rules.ts'
import { originText } from './settings.ts'

type Conf = MeshTrafficPermission['spec']['rules'][number]['default']

/**
 * Who may enter an inbound: every `deny` of every matching policy is tried first, then every `allow`; what matches neither stays out. Matches by
 * SNI are about names outside the mesh, which an inbound has none of: they neither let in nor keep out.
 */
export function planPermissions(permissions: ProxyRules, inbound: Entrance): PermissionPlan {
  const rules = permissions.inboundRulesFor(inbound)
  const confs = rules.map(rule => rule.conf as Conf)
  return {
    deny: confs.flatMap(conf => conf.deny ?? []).flatMap(idMatch),
    allow: confs.flatMap(conf => [...(conf.allow ?? []), ...(conf.allowWithShadowDeny ?? [])]).flatMap(idMatch),
    origins: [...new Set(rules.map(rule => originText(rule.origin)))],
  }
}

/** An empty match (`{}`) is everybody who has an identity at all. */
function idMatch({ spiffeID, sni }: InboundMatch): IdMatch[] {
  if (sni) return []
  return [spiffeID ? { type: spiffeID.type, value: spiffeID.value } : { type: 'Any' }]
}
