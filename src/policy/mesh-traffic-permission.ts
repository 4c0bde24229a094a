import type { MeshTrafficPermission } from '../model/kinds/mesh-traffic-permission.ts'
import { kriOf } from '../model/kri.ts'
import { matchPolicies, type PolicySubject } from './match.ts'
import type { IdMatch, PermissionPlan } from './plan.ts'

/** Who may enter an inbound: every `deny` of every matching policy is tried first, then every `allow`; what matches neither stays out. */
export function planPermissions(
  policies: readonly MeshTrafficPermission[],
  subject: PolicySubject,
  inbound: { readonly name: string; readonly port: number },
): PermissionPlan {
  const deny: IdMatch[] = []
  const allow: IdMatch[] = []
  const origins: string[] = []
  for (const policy of matchPolicies(policies, subject)) {
    const section = policy.spec.targetRef?.sectionName
    if (section && section !== inbound.name && section !== String(inbound.port)) continue
    origins.push(kriOf(policy))
    for (const rule of policy.spec.rules ?? []) {
      deny.push(...(rule.default.deny ?? []).map(idMatch))
      allow.push(...(rule.default.allow ?? []).map(idMatch), ...(rule.default.allowWithShadowDeny ?? []).map(idMatch))
    }
  }
  return { deny, allow, origins }
}

/** An empty match (`{}`) is everybody who has an identity at all. */
function idMatch(match: { readonly spiffeID?: { readonly type: 'Exact' | 'Prefix'; readonly value: string } | undefined }): IdMatch {
  return match.spiffeID ? { type: match.spiffeID.type, value: match.spiffeID.value } : { type: 'Any' }
}
