import { type Policy, type Principal, type RBAC, RBAC_Action } from '../../gen/envoy/config/rbac/v3/rbac_pb.js'
import type { Reasons } from './compiled.ts'
import type { IdRule, Permissions } from './table.ts'
import { textRule } from './values.ts'

/**
 * The RBAC filters of one filter chain, in any order: a peer must pass all of them. null = there is none.
 * https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/rbac/v3/rbac.proto
 */
export class PermissionsBuilder {
  readonly #deny: IdRule[] = []
  readonly #reasons: Reasons
  #allow: IdRule[] | undefined
  #any = false

  constructor(reasons: Reasons) {
    this.#reasons = reasons
  }

  add(rules: RBAC | undefined, path: string): void {
    // Envoy's filter without rules lets everything through.
    if (rules === undefined) return
    this.#any = true
    const ids = Object.entries(rules.policies).flatMap(([name, policy]) => this.#idsOf(policy, `${path}.policies[${name}]`))
    switch (rules.action) {
      case RBAC_Action.DENY:
        this.#deny.push(...ids)
        break
      case RBAC_Action.ALLOW:
        if (this.#allow !== undefined) this.#reasons.add(path, 'a second ALLOW filter is not supported: put all policies into one')
        this.#allow = ids
        break
      default:
        this.#reasons.add(`${path}.action`, 'must be ALLOW or DENY')
    }
  }

  build(): Permissions | null {
    if (!this.#any) return null
    return { deny: this.#deny, allow: this.#allow ?? [{ type: 'any' }] }
  }

  #idsOf(policy: Policy, path: string): IdRule[] {
    // A policy needs both to match something: without a permission it matches nothing.
    if (!policy.permissions.some(permission => permission.rule.case === 'any' && permission.rule.value)) {
      this.#reasons.add(`${path}.permissions`, 'must be any: true')
    }
    return policy.principals.flatMap((principal, index) => this.#idsOfPrincipal(principal, `${path}.principals[${index}]`))
  }

  #idsOfPrincipal({ identifier }: Principal, path: string): IdRule[] {
    switch (identifier.case) {
      case 'any':
        return identifier.value ? [{ type: 'any' }] : []
      case 'orIds':
        return identifier.value.ids.flatMap((principal, index) => this.#idsOfPrincipal(principal, `${path}.or_ids.ids[${index}]`))
      case 'authenticated': {
        if (identifier.value.principalName === undefined) return [{ type: 'any' }]
        const rule = textRule(identifier.value.principalName, `${path}.authenticated.principal_name`, this.#reasons)
        if (rule.kind !== 'regex') return [{ type: rule.kind, value: rule.value }]
        this.#reasons.add(`${path}.authenticated.principal_name`, 'must be exact or prefix')
        return []
      }
      default:
        this.#reasons.add(path, 'must be any, authenticated or or_ids')
        return []
    }
  }
}
