import Type from 'typebox'
import { defineKind, type ResourceOf } from '../kind.ts'
import { closed, nonEmpty, oneOf } from '../schema.ts'
import { parseTrustDomain } from '../spiffe-id.ts'

/** The certificates that vouch for the identities of one trust domain. */
export const meshTrustKind = defineKind({
  kind: 'MeshTrust',
  short: 'mtrust',
  path: 'meshtrusts',
  scope: 'mesh',
  shape: 'spec',
  sync: 'forwarded',
  naming: 'rfc1123',
  spec: closed({
    trustDomain: nonEmpty,
    caBundles: Type.Array(
      closed({
        type: oneOf('Pem'),
        pem: closed({ value: Type.String({ pattern: '-----BEGIN CERTIFICATE-----', description: 'one or more certificates in PEM' }) }),
      }),
      {
        minItems: 1,
      },
    ),
  }),
  status: closed({ origin: Type.Optional(closed({ kri: Type.Optional(Type.String()) })) }),
  check: spec => {
    const parsed = parseTrustDomain(spec.trustDomain)
    return parsed.kind === 'ok' ? [] : [{ field: 'trustDomain', reason: parsed.reason }]
  },
  columns: [
    { title: 'TRUST DOMAIN', value: trust => trust.spec.trustDomain },
    { title: 'BUNDLES', value: trust => String(trust.spec.caBundles.length) },
  ],
})
export type MeshTrust = ResourceOf<typeof meshTrustKind>
export type MeshTrustSpec = MeshTrust['spec']
