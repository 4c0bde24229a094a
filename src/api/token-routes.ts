import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { TokenAuthority } from '../identity/token-authority.ts'
import { peekToken, type TokenType } from '../identity/token-claims.ts'
import { durationMs } from '../model/duration.ts'
import type { Registry } from '../registry/registry.ts'
import type { Log } from '../std/log.ts'
import { everybody } from './access-control.ts'
import { rolesOfGroup } from './built-in-roles.ts'
import { invalidResource } from './problem.ts'
import { cannotAsk, tokenElsewhere, zoneOfProxies } from './proxy-zone.ts'
import type { ControlPlaneRole } from './role.ts'
import { requireHeld } from './role-write.ts'
import {
  type DataplaneTokenRequest,
  dataplaneClaims,
  dataplaneRequest,
  describeToken,
  readTokenRequest,
  ttlOf,
  userRequest,
  zoneRequest,
} from './token-requests.ts'

export interface TokenRoutesOptions {
  readonly role: ControlPlaneRole
  readonly registry: Registry
  readonly tokens: TokenAuthority
  readonly log: Log
  /** At global: has that zone make the token, since only it can verify it. */
  readonly zoneDataplaneToken?: (zone: string, request: DataplaneTokenRequest) => Promise<string>
}

const title = 'Could not issue a token'

/** Making tokens; the answer is the bare JWT as text. It is not kept and cannot be shown again: the audit log has its id. */
export function tokenRoutes(app: FastifyInstance, options: TokenRoutesOptions): void {
  const { tokens, registry, role } = options
  const access = (kind: TokenType) => ({ config: { access: { verb: 'write', area: 'tokens', kind, scope: 'handler' } } }) as const

  app.post('/tokens/dataplane', access('dataplane'), async (request, reply) => {
    const body = readTokenRequest(request, dataplaneRequest, ['mesh'])
    const { mesh, name, validFor } = body
    const zone = body.zone ?? (role.kind === 'zone' ? role.zone : undefined)
    // A zone gateway is given others' identities, whatever it is called: a rule for some names does not allow it.
    const whose = body.type === 'ingress' ? undefined : name
    request.access.require({ verb: 'write', area: 'tokens', kind: 'dataplane', mesh, name: whose, zone })
    if (!registry.get({ kind: 'Mesh', mesh: '', name: mesh })) {
      throw invalidResource([{ field: 'mesh', reason: `mesh of name ${mesh} is not found` }], title)
    }
    const elsewhere = await dataplaneTokenElsewhere(options, body.zone, body)
    if (elsewhere !== undefined) return answer('dataplane', request, reply, elsewhere)
    const token = await tokens.issue({ type: 'dataplane', claims: dataplaneClaims(body), ttlMs: ttlOf('dataplane', validFor) })
    return answer('dataplane', request, reply, token)
  })

  app.post('/tokens/zone', access('zone'), async (request, reply) => {
    const { zone, scope, validFor } = readTokenRequest(request, zoneRequest, ['zone'])
    request.access.require({ verb: 'write', area: 'tokens', kind: 'zone', zone })
    if (role.kind === 'zone') {
      throw tokenElsewhere(
        title,
        'zone tokens are made by the global control plane that the zone connects to',
        'ask the global control plane: --api URL',
      )
    }
    const claims = { zone, ...(scope?.length ? { scope } : {}) }
    return answer('zone', request, reply, await tokens.issue({ type: 'zone', claims, ttlMs: ttlOf('zone', validFor) }))
  })

  app.post('/tokens/user', access('user'), async (request, reply) => {
    const { name, groups = [], validFor } = readTokenRequest(request, userRequest, ['name', 'validFor'])
    request.access.require({ verb: 'write', area: 'tokens', kind: 'user' })
    requireKnownGroups(request, groups)
    // Whoever makes a token could use it: it gives no more than he has.
    requireHeld(
      request.access.control,
      request.access.principal,
      request.access.control.rulesOf({ name, groups }),
      `a token of user "${name}"`,
    )
    return answer('user', request, reply, await tokens.issue({ type: 'user', claims: { name, groups }, ttlMs: durationMs(validFor ?? '') }))
  })

  function answer(type: TokenType, request: FastifyRequest, reply: FastifyReply, token: string): FastifyReply {
    const made = describeToken(type, peekToken(token)?.claims ?? {})
    request.audit.did('issue', made)
    options.log.info('token made', { by: request.principal?.name, ...made })
    return reply.type('text/plain').send(token)
  }
}

/** A token of a group that gives nothing would seem to be one that does. */
function requireKnownGroups(request: FastifyRequest, groups: readonly string[]): void {
  const known = request.access.control.groups()
  const unknown = groups.flatMap((group, i) => {
    if (known.includes(group) || group === everybody || rolesOfGroup(group).length > 0) return []
    const reason = `group ${group} gives nothing: known are ${known.join(', ')}, and what an AccessRoleBinding names`
    return [{ field: `groups[${i}]`, reason }]
  })
  if (unknown.length > 0) throw invalidResource(unknown, 'Invalid request')
}

/** The token of another zone's proxies, or undefined when this control plane makes it itself. */
async function dataplaneTokenElsewhere(
  { role, registry, zoneDataplaneToken }: TokenRoutesOptions,
  zone: string | undefined,
  body: DataplaneTokenRequest,
): Promise<string | undefined> {
  const wanted = zoneOfProxies(role, registry, zone, title)
  if (wanted === undefined) return undefined
  if (!zoneDataplaneToken) throw cannotAsk(title, wanted)
  return zoneDataplaneToken(wanted, body)
}
