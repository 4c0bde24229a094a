import type { TokenType } from './token-claims.ts'

/** Tokens that hold no more although they are in date. */
export interface RevocationList {
  /** Their `jti`. */
  readonly ids: ReadonlySet<string>
  /** Whatever was made before, seconds since 1970; 0 = none. */
  readonly issuedBefore: number
}

/** Which secret holds the list: Kuma's names, so that its way of revoking works here. Tokens of proxies are revoked in their mesh. */
export function revocationSecret(type: TokenType, mesh = ''): { readonly kind: 'Secret' | 'GlobalSecret'; mesh: string; name: string } {
  return type === 'dataplane'
    ? { kind: 'Secret', mesh, name: `dataplane-token-revocations-${mesh}` }
    : { kind: 'GlobalSecret', mesh: '', name: `${type}-token-revocations` }
}

export const noRevocations: RevocationList = { ids: new Set(), issuedBefore: 0 }

const BEFORE = 'issued-before='

/** Reads Kuma's form, ids with commas between (line breaks do as well), and `issued-before=2026-06-01T12:00:00Z` for all that were made before. */
export function parseRevocations(text: string): RevocationList {
  const ids = new Set<string>()
  let issuedBefore = 0
  for (const word of text.split(/[\s,]+/)) {
    if (word.startsWith(BEFORE)) issuedBefore = Math.max(issuedBefore, Math.floor(Date.parse(word.slice(BEFORE.length)) / 1000) || 0)
    else if (word !== '') ids.add(word)
  }
  return { ids, issuedBefore }
}

export function formatRevocations({ ids, issuedBefore }: RevocationList): string {
  return [...(issuedBefore > 0 ? [BEFORE + new Date(issuedBefore * 1000).toISOString()] : []), ...ids].join(',')
}

/** Both lists in one. */
export function addRevocations(list: RevocationList, more: Partial<RevocationList>): RevocationList {
  return {
    ids: new Set([...list.ids, ...(more.ids ?? [])]),
    issuedBefore: Math.max(list.issuedBefore, more.issuedBefore ?? 0),
  }
}

export function isRevoked({ ids, issuedBefore }: RevocationList, token: { readonly jti: string; readonly iat: number }): boolean {
  return ids.has(token.jti) || token.iat < issuedBefore
}
