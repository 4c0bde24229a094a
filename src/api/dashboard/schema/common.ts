import Type, { type Static, type TProperties, type TSchema } from 'typebox'

/** An object that says nothing but what is declared. */
export function shape<P extends TProperties>(properties: P, options: { readonly description?: string } = {}) {
  return Type.Object(properties, { additionalProperties: false, ...options })
}

export const text = (description: string) => Type.String({ description })
export const count = (description: string) => Type.Integer({ minimum: 0, description })
export const flag = (description: string) => Type.Boolean({ description })

/** Is not always known: `null` then. */
export const maybeText = (description: string) => Type.Unsafe<string | null>({ type: ['string', 'null'], description })
export const maybeCount = (description: string) => Type.Unsafe<number | null>({ type: ['integer', 'null'], minimum: 0, description })

/** RFC 3339, UTC. */
export const time = (description: string) => Type.String({ format: 'date-time', description: `${description} (RFC 3339)` })
export const maybeTime = (description: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], format: 'date-time', description: `${description} (RFC 3339)` })

export const choice = <const V extends readonly string[]>(values: V, description: string) =>
  Type.Unsafe<V[number]>({ type: 'string', enum: [...values], description })

/** Proxies by what is known of their configuration. */
export const proxyCounts = shape(
  {
    total: count('all that are registered'),
    synced: count('connected, and run the newest configuration'),
    stale: count('connected, and have not accepted configuration that was sent'),
    nacked: count('connected, and refused configuration: they go on with what they had'),
    offline: count('not connected to their zone'),
    unknown: count('nobody tells: their zone is silent, or they were registered without an agent'),
    connected: count('connected to their zone'),
    ready: count('requests may be sent there'),
  },
  { description: 'proxies by state' },
)
export type ProxyCounts = Static<typeof proxyCounts>

/** What a problem or an event is about. */
export const subject = shape(
  {
    kind: text('kind of the resource, as in YAML; `ControlPlane`, `Store` and `AuditLog` for what is no resource'),
    kri: maybeText('its resource identifier'),
    mesh: maybeText('its mesh; null where it belongs to none'),
    zone: maybeText('its zone; null where it belongs to none'),
    name: text('its name, as people gave it'),
  },
  { description: 'what it is about' },
)
export type Subject = Static<typeof subject>

/** A page of a list. */
export function pageOf<T extends TSchema>(item: T, description: string) {
  return shape(
    {
      revision: text('what the stream’s `from` takes: everything up to here is in this answer'),
      total: count('how many match, on all pages'),
      items: Type.Array(item, { description }),
      next: maybeText('URL of the next page; null on the last one'),
    },
    { description: `${description}, one page` },
  )
}
