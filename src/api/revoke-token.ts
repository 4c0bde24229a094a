import { secretText } from '../identity/kept-secret.ts'
import { addRevocations, formatRevocations, noRevocations, parseRevocations, revocationSecret } from '../identity/revocation-list.ts'
import type { TokenType } from '../identity/token-claims.ts'
import { displayNameLabel } from '../model/labels.ts'
import type { Registry } from '../registry/registry.ts'
import { RevisionConflictError } from '../registry/store.ts'

/** What to revoke, and where that is written. */
export interface Revocation {
  readonly type: TokenType
  /** '' but for tokens of proxies. */
  readonly mesh: string
  /** `jti` */
  readonly id?: string
  /** All that were made before, seconds since 1970. */
  readonly issuedBefore?: number
}

/** How often the list is read anew when somebody else has written it meanwhile. */
const ATTEMPTS = 5

/** Adds to Kuma's secret, so what is revoked its way and what is revoked this way is one list. */
export async function revokeToken(registry: Registry, { type, mesh, id, issuedBefore }: Revocation): Promise<void> {
  const key = revocationSecret(type, mesh)
  for (let attempt = 1; ; attempt++) {
    const there = registry.get(key)
    const list = addRevocations(there ? parseRevocations(secretText(there)) : noRevocations, { ids: new Set(id ? [id] : []), issuedBefore })
    const data = Buffer.from(formatRevocations(list)).toString('base64')
    const draft = { ...key, labels: there?.labels ?? { [displayNameLabel]: key.name }, spec: { data } }
    try {
      await registry.commit([{ kind: 'put', draft, expect: there?.revision ?? 'absent' }])
      return
    } catch (error) {
      if (!(error instanceof RevisionConflictError) || attempt === ATTEMPTS) throw error
    }
  }
}
