import Type from 'typebox'
import { defineKind, type ResourceOf } from '../kind.ts'
import { closed, oneOf } from '../schema.ts'
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
  description: 'The certificates that vouch for the identities of one trust domain.',
  example: {
    name: 'aws-1',
    spec: {
      trustDomain: 'default.aws-1.mesh.local',
      caBundles: [{ type: 'Pem', pem: { value: '-----BEGIN CERTIFICATE-----\nMIIB...\n-----END CERTIFICATE-----\n' } }],
    },
  },
  spec: closed({
    trustDomain: Type.String({ minLength: 1, maxLength: 253, description: 'Whose identities these certificates vouch for.' }),
    caBundles: Type.Array(
      closed({
        type: oneOf('Pem'),
        pem: closed({
          value: Type.String({
            pattern: '-----BEGIN CERTIFICATE-----',
            mustBe: 'one or more certificates in PEM',
            otherwise: 'provided certificate has incorrect format',
            description: 'One or more certificates in PEM.',
          }),
        }),
      }),
      {
        minItems: 1,
      },
    ),
  }),
  status: closed({ origin: Type.Optional(closed({ kri: Type.Optional(Type.String()) })) }),
  includeInFederation: true,
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
