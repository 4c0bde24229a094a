import type { TokenKeys } from '../identity/tokens.ts'
import { verifyToken } from '../identity/tokens.ts'
import type { Clock } from '../std/clock.ts'
import type { Principal } from './access.ts'
import { type AdminToken, isSameToken } from './admin-token.ts'

export type Authentication =
  | { readonly kind: 'ok'; readonly principal: Principal }
  | { readonly kind: 'refused'; readonly code: string; readonly reason: string; readonly fix: string }

/** Says from the `Authorization` header who is asking. */
export type Authenticate = (authorization: string | undefined) => Promise<Authentication>

export interface AuthenticatorOptions {
  readonly tokens: TokenKeys
  readonly admin: Pick<AdminToken, 'file' | 'token'>
  readonly clock: Pick<Clock, 'now'>
}

/** Verified tokens that are remembered, so that a client pays for a signature once and not with each request. */
const REMEMBERED = 1000

/** There is nobody who needs no token: not on loopback either, because any page in the operator's browser can reach that. */
export function createAuthenticator({ tokens, admin, clock }: AuthenticatorOptions): Authenticate {
  const fix = `send \`Authorization: Bearer TOKEN\`; the admin's token is in ${admin.file} on the control plane's machine (skerry: --token-file)`
  const known = new Map<string, { readonly principal: Principal; readonly untilMs: number }>()

  return async authorization => {
    const token = /^Bearer +(\S+)\s*$/i.exec(authorization ?? '')?.[1]
    if (token === undefined) {
      const reason = authorization === undefined ? 'the request has no token' : 'the Authorization header is not `Bearer TOKEN`'
      return { kind: 'refused', code: 'SKERRY_TOKEN_MISSING', reason, fix }
    }
    if (isSameToken(token, admin.token)) return { kind: 'ok', principal: { name: 'admin', groups: ['admin'] } }
    const remembered = known.get(token)
    if (remembered && remembered.untilMs > clock.now()) return { kind: 'ok', principal: remembered.principal }

    const verdict = await verifyToken(tokens, token, 'user', clock)
    known.delete(token)
    if (verdict.kind === 'refused') return { kind: 'refused', code: verdict.code, reason: verdict.reason, fix }
    const { name, groups, exp } = verdict.claims
    const principal = { name, groups }
    if (known.size >= REMEMBERED) known.delete(known.keys().next().value!)
    known.set(token, { principal, untilMs: exp * 1000 })
    return { kind: 'ok', principal }
  }
}
