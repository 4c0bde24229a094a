import type { FastifyInstance } from 'fastify'
import type { AuditLog } from '../audit/audit-log.ts'
import type { AuditEntry } from '../audit/entry.ts'
import { retireSigningKey, rotateSigningKey, SigningKeyError } from '../identity/signing-keys.ts'
import type { TokenAuthority } from '../identity/token-authority.ts'
import { isTokenType, type TokenType } from '../identity/token-claims.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock } from '../std/clock.ts'
import { ApiError, invalidResource } from './problem.ts'

export interface TokenListOptions {
  readonly registry: Registry
  readonly tokens: TokenAuthority
  readonly audit: AuditLog
  readonly clock: Pick<Clock, 'now'>
}

/** Which tokens were made here, and the keys that sign them. */
export function tokenListRoutes(app: FastifyInstance, { registry, tokens, audit, clock }: TokenListOptions): void {
  const access = (verb: 'read' | 'write', kind: 'revocation' | 'key') => ({ config: { access: { verb, area: 'tokens', kind } } }) as const

  // Tokens are not kept; that they were made is on record, and so is known for as long as the log goes back.
  app.get('/tokens', access('read', 'revocation'), async () => {
    const items = []
    for (let before: number | undefined; ; ) {
      const page = await audit.query({ area: 'tokens', verb: 'issue', limit: 1000, ...(before === undefined ? {} : { before }) })
      items.push(...page.items.flatMap(entry => madeToken(entry, tokens, clock.now()) ?? []))
      if (page.next === null || items.length >= MOST) break
      before = page.next
    }
    return { total: items.length, items, next: null }
  })

  app.get('/tokens/in-use', access('read', 'revocation'), () => {
    const items = tokens.inUse().map(({ expiresMs, ...token }) => ({ ...token, expires: new Date(expiresMs).toISOString() }))
    return { total: items.length, items, next: null }
  })

  app.get('/tokens/keys', access('read', 'key'), () => {
    const items = [...tokens.verifying].map(([kid, { type }]) => ({ kid, type, signs: tokens.signing[type].kid === kid }))
    return { total: items.length, items, next: null }
  })
  app.post<{ Params: { type: string } }>('/tokens/keys/:type', access('write', 'key'), async request => {
    const type = typeIn(request.params)
    const kid = await told(rotateSigningKey(registry, type))
    request.audit.did('rotate-key', { tokenType: type, kid })
    return { type, kid }
  })
  app.delete<{ Params: { type: string; kid: string } }>('/tokens/keys/:type/:kid', access('write', 'key'), async request => {
    const type = typeIn(request.params)
    const { kid } = request.params
    await told(retireSigningKey(registry, type, kid))
    request.audit.did('retire-key', { tokenType: type, kid })
    return {}
  })
}

/** Tokens that one answer lists; nobody looks through more. */
const MOST = 10_000

function madeToken({ time, who, mesh, detail = {} }: AuditEntry, tokens: TokenAuthority, now: number) {
  const { tokenType: type, tokenId: id, subject, expires, groups } = detail
  if (!isTokenType(type) || typeof id !== 'string' || typeof expires !== 'string') return undefined
  const inMesh = type === 'dataplane' && typeof subject === 'string' ? subject.split('/')[0] : mesh
  const isRevoked = tokens.isRevoked(type, { jti: id, iat: Math.floor(Date.parse(time) / 1000), mesh: inMesh })
  const state = isRevoked ? 'revoked' : Date.parse(expires) <= now ? 'expired' : 'active'
  return { id, type, subject, ...(groups === undefined ? {} : { groups }), issued: time, issuedBy: who?.name ?? '', expires, state }
}

function typeIn({ type }: { readonly type: string }): TokenType {
  if (isTokenType(type)) return type
  throw invalidResource([{ field: 'type', reason: 'must be dataplane, zone or user' }], 'Could not change signing keys')
}

async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof SigningKeyError)) throw error
    const status = error.code === 'SKERRY_SIGNING_KEY_UNKNOWN' ? 404 : 409
    throw new ApiError({ status, code: error.code, title: 'Could not change signing keys', detail: error.message, cause: error })
  }
}
