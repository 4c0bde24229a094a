import Type, { type Static } from 'typebox'
import { defineKind, type ResourceOf } from '../kind.ts'
import { closed, nonEmpty } from '../schema.ts'

/** Root certificates of one trust domain: SHA-256 of their DER, 64 lower-case hex digits, sorted. */
const roots = closed({
  trustDomain: nonEmpty,
  roots: Type.Array(Type.String({ pattern: '^[0-9a-f]{64}$', mustBe: 'a SHA-256 fingerprint, 64 hex digits' })),
})

const rotation = closed({
  /** The MeshIdentity. */
  identity: Type.String(),
  trustDomain: Type.String(),
  root: Type.String(),
  /** `staged`, `trusted` (waits until every zone believes it), `issuing`, `retiring`. */
  state: Type.String(),
  /** Zones of which not every proxy believes it yet. */
  waitingFor: Type.Optional(Type.Array(Type.String())),
})

/** Ours: whom the proxies of a zone believe, by their own word. One for each zone and mesh, named as the zone. Another zone's endpoints are
 *  used when both zones believe each other; a root signs when every zone believes it. */
export const trustAcknowledgementKind = defineKind({
  kind: 'TrustAcknowledgement',
  short: 'tack',
  path: 'trustacknowledgements',
  scope: 'mesh',
  shape: 'spec',
  sync: 'forwarded',
  naming: 'rfc1123',
  description: 'Whom the proxies of a zone believe, by their own word. One for each zone and mesh.',
  example: { name: 'aws-1', spec: { trusts: [{ trustDomain: 'default.aws-1.mesh.local', roots: [] }], signedBy: [] } },
  spec: closed({
    /** What every proxy that verifies peers has acknowledged, those in `behind` aside. */
    trusts: Type.Array(roots),
    /** What signed the certificates that the zone's own proxies hold. */
    signedBy: Type.Array(roots),
  }),
  status: closed({
    /** Proxies that have not acknowledged the newest bundles in time, or refuse them: nobody waits for them. */
    behind: Type.Optional(Type.Array(Type.String())),
    /** Roots of this zone, while one takes over from another. */
    rotation: Type.Optional(Type.Array(rotation)),
  }),
  readOnly: true,
  columns: [
    { title: 'TRUSTS', value: ({ spec }) => spec.trusts.map(({ trustDomain }) => trustDomain).join(', ') },
    {
      title: 'ROTATING',
      value: ({ status }) => (status?.rotation ?? []).map(({ trustDomain, state }) => `${trustDomain} ${state}`).join(', '),
    },
    { title: 'BEHIND', value: ({ status }) => status?.behind?.join(', ') ?? '' },
  ],
})
export type TrustAcknowledgement = ResourceOf<typeof trustAcknowledgementKind>
export type TrustedRoots = Static<typeof roots>
