import type { FastifyRequest } from 'fastify'
import Type, { type Static, type TSchema } from 'typebox'
import type { DataplaneClaims, TokenType } from '../identity/token-claims.ts'
import { checkSchema } from '../model/check-schema.ts'
import { durationMs, durationSchema } from '../model/duration.ts'
import type { Violation } from '../model/kind.ts'
import { dnsLabel, hostName } from '../model/schema.ts'
import { invalidResource } from './problem.ts'

const HOUR_MS = 3_600_000

/** How long tokens of machines live when nobody says: as long as a machine may wait between being provisioned and needing it again, and
 *  no longer. It opens each new connection, so it must outlive restarts. For a person's, who makes it says how long. */
export const defaultTtlMs: Readonly<Record<'dataplane' | 'zone', number>> = { dataplane: 30 * 24 * HOUR_MS, zone: 30 * 24 * HOUR_MS }

const MAX_TTL_MS = 10 * 365 * 24 * HOUR_MS

const name = Type.String({ minLength: 1, maxLength: 253 })
const validFor = Type.Optional(durationSchema)

export const dataplaneRequest = Type.Object(
  {
    mesh: name,
    name: Type.Optional(hostName),
    workload: Type.Optional(dnsLabel),
    /** Labels that the Dataplane must carry, each with one of these values: Kuma's word. */
    tags: Type.Optional(Type.Record(Type.String(), Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }))),
    /** Kuma's: `ingress` is a gateway of the zone, which no other token lets a proxy be. */
    type: Type.Optional(Type.Enum(['dataplane', 'ingress', ''])),
    /** At global: the zone that the proxy will join, which makes the token. */
    zone: Type.Optional(Type.String({ minLength: 1 })),
    validFor,
  },
  { additionalProperties: false },
)
export const zoneRequest = Type.Object(
  { zone: dnsLabel, scope: Type.Optional(Type.Array(name)), validFor },
  { additionalProperties: false },
)
export const userRequest = Type.Object({ name, groups: Type.Optional(Type.Array(name)), validFor }, { additionalProperties: false })

export type DataplaneTokenRequest = Static<typeof dataplaneRequest>

/** The body, or an ApiError with everything that is wrong with it, in Kuma's words where it has them. kumactl sends null and '' for what it was not told. */
export function readTokenRequest<S extends TSchema>(request: FastifyRequest, schema: S, required: readonly string[]): Static<S> {
  const given = Object.entries((request.body ?? {}) as Readonly<Record<string, unknown>>)
  const body = Object.fromEntries(given.filter(([field, value]) => value !== null && !(value === '' && field !== 'mesh')))
  const empty = required
    .filter(field => body[field] === undefined || body[field] === '')
    .map(field => ({ field, reason: 'cannot be empty' }))
  const { value, violations } = checkSchema(schema, body, '', 'refuse')
  const found = [...empty, ...violations.filter(({ field }) => !empty.some(it => it.field === field))]
  const all = found.length > 0 ? found : badDuration(value)
  if (all.length > 0) throw invalidResource(all, 'Invalid request')
  return value as Static<S>
}

export function ttlOf(type: 'dataplane' | 'zone', validFor: string | undefined): number {
  return validFor === undefined ? defaultTtlMs[type] : durationMs(validFor)
}

/** What the token of a proxy says. */
export function dataplaneClaims({ mesh, name, workload, tags, type }: DataplaneTokenRequest): DataplaneClaims {
  return {
    mesh,
    ...(workload === undefined ? {} : { workload }),
    ...(name === undefined ? {} : { name }),
    ...(tags === undefined || Object.keys(tags).length === 0 ? {} : { tags }),
    ...(type ? { type } : {}),
  }
}

function badDuration(body: unknown): readonly Violation[] {
  const { validFor } = body as { readonly validFor?: string }
  if (validFor === undefined) return []
  const ms = durationMs(validFor)
  if (ms <= 0) return [{ field: 'validFor', reason: 'must be longer than nothing, such as 1h' }]
  return ms > MAX_TTL_MS ? [{ field: 'validFor', reason: 'must be at most 87600h (10 years)' }] : []
}

/** What a made token is called in the log: enough to revoke it, and nothing to use it with. */
export function describeToken(type: TokenType, claims: Readonly<Record<string, unknown>>) {
  const { jti, sub, exp, groups, scope, tags, type: proxyType } = claims
  return {
    tokenType: type,
    tokenId: jti,
    subject: sub,
    expires: typeof exp === 'number' ? new Date(exp * 1000).toISOString() : undefined,
    ...(groups === undefined ? {} : { groups }),
    ...(scope === undefined ? {} : { scope }),
    ...(tags === undefined ? {} : { tags }),
    ...(proxyType === 'ingress' ? { proxyType } : {}),
  }
}
