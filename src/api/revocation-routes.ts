import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { isTokenType, peekToken, type TokenType } from '../identity/token-claims.ts'
import { readLists } from '../identity/token-secrets.ts'
import type { Registry } from '../registry/registry.ts'
import { invalidResource } from './problem.ts'
import { cannotAsk, zoneOfProxies } from './proxy-zone.ts'
import { type Revocation, revokeToken } from './revoke-token.ts'
import type { ControlPlaneRole } from './role.ts'
import { readTokenRequest } from './token-requests.ts'
import { hasMesh } from './write-resource.ts'

const title = 'Could not revoke'
const ID = '^[A-Za-z0-9._-]{1,128}$'

const revocationRequest = Type.Object(
  {
    /** The token itself; says the rest. */
    token: Type.Optional(Type.String({ minLength: 1, maxLength: 8192 })),
    /** Its `jti`. */
    id: Type.Optional(Type.String({ pattern: ID, mustBe: 'the id of a token' })),
    type: Type.Optional(Type.Enum(['dataplane', 'zone', 'user'])),
    mesh: Type.Optional(Type.String({ minLength: 1 })),
    /** At global: the zone that made it, for tokens of proxies. */
    zone: Type.Optional(Type.String({ minLength: 1 })),
    /** Every token of the type that was made before. */
    issuedBefore: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
)

export interface RevocationRoutesOptions {
  readonly role: ControlPlaneRole
  readonly registry: Registry
  /** At global: has a zone revoke a token of its proxies, since only it can cut them. */
  readonly zoneRevocation?: (zone: string, revocation: Revocation) => Promise<unknown>
}

/** Revoking tokens. What rests on a revoked one is cut at once, here and on every replica. */
export function revocationRoutes(app: FastifyInstance, { role, registry, zoneRevocation }: RevocationRoutesOptions): void {
  const config = (verb: 'read' | 'write') =>
    ({ config: { access: { verb, area: 'tokens', kind: 'revocation', scope: 'handler' } } }) as const

  app.get('/tokens/revocations', config('read'), request => {
    const items = [...readLists(registry)].flatMap(([place, { ids, issuedBefore }]) => {
      const [mesh = '', name = ''] = place.split('/')
      const type = name.slice(0, name.indexOf('-token-')) as TokenType
      if (request.access.decide(actionOf('read', type, mesh)).kind === 'denied') return []
      return [{ type, ...(mesh ? { mesh } : {}), ids: [...ids], ...(issuedBefore ? { issuedBefore: timeOf(issuedBefore) } : {}) }]
    })
    return { total: items.length, items, next: null }
  })

  app.post('/tokens/revocations', config('write'), async request => {
    const body = readTokenRequest(request, revocationRequest, [])
    const revoked = read(body)
    request.access.require(actionOf('write', revoked.type, revoked.mesh))
    if (revoked.mesh !== '' && !hasMesh(registry, revoked.mesh)) {
      throw invalidResource([{ field: 'mesh', reason: `mesh of name ${revoked.mesh} is not found` }], title)
    }
    if (revoked.type === 'dataplane') {
      const zone = zoneOfProxies(role, registry, body.zone, title)
      if (zone !== undefined) {
        if (!zoneRevocation) throw cannotAsk(title, zone)
        await zoneRevocation(zone, revoked)
      }
    }
    // At global as well, where it is looked up for the list of tokens.
    await revokeToken(registry, revoked)
    const { type, mesh, id, issuedBefore } = revoked
    const told = { type, ...(mesh ? { mesh } : {}), ...(id ? { id } : {}), ...(issuedBefore ? { issuedBefore: timeOf(issuedBefore) } : {}) }
    request.audit.did('revoke', { tokenType: type, ...told })
    return told
  })
}

function actionOf(verb: 'read' | 'write', type: TokenType, mesh: string) {
  return { verb, area: 'tokens', kind: 'revocation', ...(type === 'dataplane' && mesh ? { mesh } : {}) } as const
}

function read({
  token,
  id,
  type,
  mesh,
  issuedBefore,
}: {
  token?: string
  id?: string
  type?: string
  mesh?: string
  issuedBefore?: string
}): Revocation {
  const peeked = token === undefined ? undefined : peekToken(token)
  const bad = (field: string, reason: string) => invalidResource([{ field, reason }], title)
  const jti = peeked?.claims.jti
  if (token !== undefined && !(typeof jti === 'string' && new RegExp(ID).test(jti))) throw bad('token', 'is not a token of a control plane')
  const what = (jti as string | undefined) ?? id
  const kind = peeked?.type ?? type
  const where = typeof peeked?.claims.mesh === 'string' ? peeked.claims.mesh : mesh
  if (what === undefined && issuedBefore === undefined)
    throw bad('id', 'cannot be empty: the id of a token, or the token itself, or issuedBefore')
  if (!isTokenType(kind)) throw bad('type', 'cannot be empty: dataplane, zone or user')
  if (kind === 'dataplane' && where === undefined) throw bad('mesh', 'cannot be empty: tokens of proxies are revoked in their mesh')
  const before = issuedBefore === undefined ? undefined : Date.parse(issuedBefore) / 1000
  if (before !== undefined && !(before > 0)) throw bad('issuedBefore', 'must be a time such as 2026-06-01T12:00:00Z')
  return {
    type: kind,
    mesh: kind === 'dataplane' ? (where ?? '') : '',
    ...(what === undefined ? {} : { id: what }),
    ...(before === undefined ? {} : { issuedBefore: Math.floor(before) }),
  }
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString()
}
