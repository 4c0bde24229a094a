import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static, type TSchema } from 'typebox'
import type { TokenType } from '../identity/token-claims.ts'
import { issueToken, type TokenKeys } from '../identity/tokens.ts'
import { checkSchema } from '../model/check-schema.ts'
import { durationMs, durationSchema } from '../model/duration.ts'
import type { Violation } from '../model/kind.ts'
import { dnsLabel, hostName } from '../model/schema.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import { ApiError, invalidResource } from './problem.ts'
import type { ControlPlaneRole } from './role.ts'

const HOUR_MS = 3_600_000

/** How long tokens live when nobody says: as long as a machine may wait between being provisioned and needing it again, and no longer.
 *  A dataplane or zone token opens each new connection, so it must outlive restarts; a person asks for a new one each day. */
export const defaultTtlMs: Readonly<Record<TokenType, number>> = {
  dataplane: 30 * 24 * HOUR_MS,
  zone: 30 * 24 * HOUR_MS,
  user: 12 * HOUR_MS,
}

const MAX_TTL_MS = 10 * 365 * 24 * HOUR_MS

const dataplaneRequest = Type.Object(
  {
    mesh: Type.String({ minLength: 1 }),
    name: Type.Optional(hostName),
    workload: Type.Optional(dnsLabel),
    /** Kuma's; zone proxies are Dataplanes like others. */
    type: Type.Optional(Type.Enum(['dataplane', ''])),
    /** At global: the zone that the proxy will join, which makes the token. */
    zone: Type.Optional(Type.String({ minLength: 1 })),
    validFor: Type.Optional(durationSchema),
  },
  { additionalProperties: false },
)
const zoneRequest = Type.Object(
  {
    zone: dnsLabel,
    scope: Type.Optional(Type.Array(Type.String())),
    validFor: Type.Optional(durationSchema),
  },
  { additionalProperties: false },
)
const userRequest = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    groups: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
    validFor: Type.Optional(durationSchema),
  },
  { additionalProperties: false },
)

export type DataplaneTokenRequest = Static<typeof dataplaneRequest>

export interface TokenRoutesOptions {
  readonly role: ControlPlaneRole
  readonly registry: Registry
  readonly tokens: TokenKeys
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
  /** At global: has that zone make the token, since only it can verify it. */
  readonly zoneDataplaneToken?: (zone: string, request: DataplaneTokenRequest) => Promise<string>
}

/** Making tokens; the answer is the bare JWT as text. It is not kept and cannot be shown again. */
export function tokenRoutes(app: FastifyInstance, options: TokenRoutesOptions): void {
  const { tokens, clock, registry } = options
  const config = { access: { verb: 'write', area: 'tokens' } } as const

  app.post('/tokens/dataplane', { config }, async (request, reply) => {
    const body = read(request, dataplaneRequest)
    if (!registry.get({ kind: 'Mesh', mesh: '', name: body.mesh })) {
      throw invalidResource([{ field: 'mesh', reason: `mesh of name ${body.mesh} is not found` }], 'Could not issue a token')
    }
    const { mesh, name, workload, zone } = body
    const elsewhere = await dataplaneTokenElsewhere(options, zone, body)
    if (elsewhere !== undefined) return answer(request, reply, elsewhere)
    const claims = { mesh, ...(workload === undefined ? {} : { workload }), ...(name === undefined ? {} : { name }) }
    return answer(request, reply, await issueToken(tokens, { type: 'dataplane', claims, ttlMs: ttlOf('dataplane', body.validFor) }, clock))
  })

  app.post('/tokens/zone', { config }, async (request, reply) => {
    const { zone, validFor } = read(request, zoneRequest)
    if (options.role.kind === 'zone') {
      throw wrongPlace(
        'zone tokens are made by the global control plane that the zone connects to',
        'ask the global control plane: --api URL',
      )
    }
    return answer(request, reply, await issueToken(tokens, { type: 'zone', claims: { zone }, ttlMs: ttlOf('zone', validFor) }, clock))
  })

  app.post('/tokens/user', { config }, async (request, reply) => {
    const { name, groups = [], validFor } = read(request, userRequest)
    return answer(
      request,
      reply,
      await issueToken(tokens, { type: 'user', claims: { name, groups }, ttlMs: ttlOf('user', validFor) }, clock),
    )
  })

  function answer(request: FastifyRequest, reply: FastifyReply, token: string): FastifyReply {
    options.log.info('token made', { by: request.principal?.name, path: request.url })
    return reply.type('text/plain').send(token)
  }
}

function read<S extends TSchema>(request: FastifyRequest, schema: S): Static<S> {
  const body = (request.body ?? {}) as Readonly<Record<string, unknown>>
  // kumactl sends an empty text where nobody said how long.
  const { validFor, ...rest } = body
  const { value, violations } = checkSchema(schema, validFor === '' ? rest : body, '', 'refuse')
  const found = violations.length > 0 ? violations : tooLong(value)
  if (found.length > 0) throw invalidResource(found, 'Could not issue a token')
  return value as Static<S>
}

/** The token of another zone's proxies, or undefined when this control plane makes it itself. */
async function dataplaneTokenElsewhere(
  { role, registry, zoneDataplaneToken }: TokenRoutesOptions,
  zone: string | undefined,
  body: DataplaneTokenRequest,
): Promise<string | undefined> {
  if (role.kind === 'zone') {
    if (zone === undefined || zone === role.zone) return undefined
    throw wrongPlace(
      `this is zone '${role.zone}', the token is for zone '${zone}'`,
      `ask the control plane of zone '${zone}', or the global one`,
    )
  }
  const zones = registry.list('Zone').map(({ name }) => name)
  const wanted = zone ?? (zones.length === 1 ? zones[0] : undefined)
  if (wanted === undefined) {
    throw wrongPlace(
      'a proxy joins one zone, and that zone makes its token',
      `say which: ${zones.length > 0 ? `-z ${zones[0]} (there are ${zones.join(', ')})` : 'no zone has joined yet'}`,
    )
  }
  if (!zones.includes(wanted))
    throw invalidResource([{ field: 'zone', reason: `zone of name ${wanted} is not found` }], 'Could not issue a token')
  if (!zoneDataplaneToken)
    throw wrongPlace(`zone '${wanted}' cannot be asked from here`, `ask the control plane of zone '${wanted}': --api URL`)
  return zoneDataplaneToken(wanted, body)
}

function ttlOf(type: TokenType, validFor: string | undefined): number {
  const ms = validFor === undefined ? 0 : durationMs(validFor)
  return ms > 0 ? ms : defaultTtlMs[type]
}

function tooLong(body: unknown): readonly Violation[] {
  const { validFor } = body as { readonly validFor?: string }
  return validFor !== undefined && durationMs(validFor) > MAX_TTL_MS
    ? [{ field: 'validFor', reason: 'must be at most 87600h (10 years)' }]
    : []
}

function wrongPlace(detail: string, fix: string): ApiError {
  return new ApiError({ status: 400, code: 'SKERRY_TOKEN_ELSEWHERE', title: 'Could not issue a token', detail, fix })
}
