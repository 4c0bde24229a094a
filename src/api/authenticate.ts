import type { TokenAuthority } from '../identity/token-authority.ts'
import { peekToken, type StandardClaims } from '../identity/token-claims.ts'
import type { Principal } from './access.ts'
import { type AdminToken, tokenMatcher } from './admin-token.ts'

export type Authentication =
  | {
      readonly kind: 'ok'
      readonly principal: Principal
      /** Calls back, once, when what was shown is not good any more. Returns how to stop that. Absent for what does not end. */
      readonly hold?: (onLost: () => void) => () => void
    }
  | { readonly kind: 'refused'; readonly code: string; readonly reason: string; readonly fix: string }

/** Says from the `Authorization` header who is asking. */
export type Authenticate = (authorization: string | undefined) => Promise<Authentication>

export interface AuthenticatorOptions {
  readonly tokens: TokenAuthority
  readonly admin: Pick<AdminToken, 'token'>
}

/** Verified tokens that are remembered, so that a client pays for a signature once and not with each request. */
const REMEMBERED = 1000

// Says nothing of where the admin's token lies: whoever reads this may be a stranger.
const fix =
  'send `Authorization: Bearer TOKEN` (skerry: --token-file FILE): make a token with `skerry token user`, or use the admin token file that the control plane named at its start'

/** There is nobody who needs no token: not on loopback either, because any page in the operator's browser can reach that. */
export function createAuthenticator({ tokens, admin }: AuthenticatorOptions): Authenticate {
  const known = new Map<string, { readonly claims: StandardClaims; readonly answer: Extract<Authentication, { kind: 'ok' }> }>()
  const adminAnswer = answersToAdmin(tokens, admin.token)
  const isAdminToken = tokenMatcher(admin.token)

  return async authorization => {
    const token = /^Bearer +(\S+)\s*$/i.exec(authorization ?? '')?.[1]
    if (token === undefined) {
      const reason = authorization === undefined ? 'the request has no token' : 'the Authorization header is not `Bearer TOKEN`'
      return { kind: 'refused', code: 'SKERRY_TOKEN_MISSING', reason, fix }
    }
    if (isAdminToken(token)) return adminAnswer()
    const remembered = known.get(token)
    if (remembered && !tokens.refusalOf('user', remembered.claims)) return remembered.answer

    const verdict = await tokens.verify(token, 'user')
    known.delete(token)
    if (verdict.kind === 'refused') return { kind: 'refused', code: verdict.code, reason: verdict.reason, fix }
    const { claims } = verdict
    const answer = {
      kind: 'ok',
      principal: { name: claims.name, groups: claims.groups, tokenId: claims.jti },
      hold: (onLost: () => void) => tokens.hold('user', claims, onLost),
    } as const
    if (known.size >= REMEMBERED) known.delete(known.keys().next().value!)
    known.set(token, { claims, answer })
    return answer
  }
}

/** The admin's token is what its file says, whatever its form and its dates. One of ours can be revoked like others. */
function answersToAdmin(tokens: TokenAuthority, token: string): () => Authentication {
  const { jti, iat } = peekToken(token)?.claims ?? {}
  const isOurs = typeof jti === 'string' && typeof iat === 'number'
  const principal = { name: 'admin', groups: ['admin'], ...(isOurs ? { tokenId: jti } : {}) }
  if (!isOurs) return () => ({ kind: 'ok', principal })

  // Neither its end nor the key that signed it counts.
  const lasting = () => ({
    iss: '',
    sub: 'admin',
    jti,
    iat,
    nbf: iat,
    exp: Number.POSITIVE_INFINITY,
    ca: tokens.ca,
    kid: tokens.signing.user.kid,
  })
  const ok = { kind: 'ok', principal, hold: (onLost: () => void) => tokens.hold('user', lasting(), onLost) } as const
  return () => {
    if (!tokens.isRevoked('user', { jti, iat })) return ok
    const reason = "the admin's token was revoked: delete its file and start the control plane again to have one made"
    return { kind: 'refused', code: 'SKERRY_TOKEN_REVOKED', reason, fix }
  }
}
