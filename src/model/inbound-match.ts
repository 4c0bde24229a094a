import Type, { type Static } from 'typebox'
import { closed, nonEmpty, oneOf } from './schema.ts'

/** Which callers a rule for incoming traffic is about. `{}` = every caller. */
export const inboundMatch = closed(
  {
    spiffeID: Type.Optional(
      closed(
        {
          type: oneOf('Exact', 'Prefix'),
          value: Type.String({ minLength: 1, description: 'A SPIFFE ID, or the beginning of one: `spiffe://default.east.mesh.local/`.' }),
        },
        { description: 'The identity in the certificate of the caller.' },
      ),
    ),
    sni: Type.Optional(closed({ type: oneOf('Exact'), value: nonEmpty }, { description: 'The server name that the caller asked for.' })),
  },
  { description: 'Callers that fit all that is said here.' },
)
export type InboundMatch = Static<typeof inboundMatch>

/** Of a rule that is for those callers alone; absent or empty = for all. */
export const inboundMatches = Type.Array(inboundMatch, { description: 'The rule is for callers that fit one of these; absent = for all.' })
