import type { IdRule, Permissions } from '../compile/table.ts'

/** Whether a peer may enter. `peer` is the SPIFFE ID that mTLS has proven; null = nobody knows who it is. Doubt refuses. */
export function isPermitted(permissions: Permissions | null, peer: string | null): boolean {
  if (permissions === null) return true
  if (permissions.deny.some(rule => matches(rule, peer))) return false
  return permissions.allow.some(rule => matches(rule, peer))
}

function matches(rule: IdRule, peer: string | null): boolean {
  switch (rule.type) {
    case 'any':
      return true
    case 'exact':
      return peer === rule.value
    case 'prefix':
      return peer?.startsWith(rule.value) ?? false
  }
}

/** The verdict of one connection, kept until its listener's rules change. */
export class PermissionCheck {
  readonly #peer: string | null
  #judged: Permissions | null | undefined
  #verdict = false

  constructor(peer: string | null) {
    this.#peer = peer
  }

  permits(permissions: Permissions | null): boolean {
    if (this.#judged !== permissions) {
      this.#judged = permissions
      this.#verdict = isPermitted(permissions, this.#peer)
    }
    return this.#verdict
  }
}
