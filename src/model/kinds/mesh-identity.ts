import Type, { type Static } from 'typebox'
import { durationMs, durationSchema } from '../duration.ts'
import { defineKind, type ResourceOf, type Violation } from '../kind.ts'
import { closed, condition, matchLabels, nonEmpty, oneOf, secureDataSource } from '../schema.ts'

const bundled = closed({
  meshTrustCreation: Type.Optional(oneOf('Enabled', 'Disabled')),
  insecureAllowSelfSigned: Type.Optional(Type.Boolean()),
  autogenerate: Type.Optional(closed({ enabled: Type.Optional(Type.Boolean()) })),
  ca: Type.Optional(closed({ certificate: secureDataSource, privateKey: secureDataSource })),
  certificateParameters: Type.Optional(closed({ expiry: Type.Optional(durationSchema) })),
})

const spec = closed({
  /** Absent = no Dataplane at all; `dataplane.matchLabels: {}` = every one. */
  selector: Type.Optional(closed({ dataplane: Type.Optional(matchLabels) })),
  /** Templates; absent = `{{ .Mesh }}.{{ .Zone }}.mesh.local` and `/workload/{{ .Workload }}`. */
  spiffeID: Type.Optional(
    closed({
      trustDomain: Type.Optional(nonEmpty),
      path: Type.Optional(Type.String({ pattern: '^/', description: 'a path that begins with "/"' })),
    }),
  ),
  provider: closed({
    type: oneOf('Bundled', 'Spire', 'Extension'),
    bundled: Type.Optional(bundled),
    spire: Type.Optional(closed({ agent: Type.Optional(closed({ timeout: Type.Optional(durationSchema) })) })),
    extension: Type.Optional(closed({ name: nonEmpty, config: Type.Optional(Type.Unknown()) })),
  }),
})

/** Which Dataplanes get an identity, what it looks like, and who signs it. */
export const meshIdentityKind = defineKind({
  kind: 'MeshIdentity',
  short: 'mid',
  path: 'meshidentities',
  scope: 'mesh',
  shape: 'spec',
  sync: 'both',
  naming: 'rfc1123',
  spec,
  status: closed({ conditions: Type.Optional(Type.Array(condition)), trustDomain: Type.Optional(Type.String()) }),
  check,
  columns: [{ title: 'PROVIDER', value: identity => identity.spec.provider.type }],
})
export type MeshIdentity = ResourceOf<typeof meshIdentityKind>
export type MeshIdentitySpec = MeshIdentity['spec']

function check({ provider }: Static<typeof spec>): Violation[] {
  const violations: Violation[] = []
  const mine = { Bundled: 'bundled', Spire: 'spire', Extension: 'extension' }[provider.type]
  for (const block of ['bundled', 'spire', 'extension'] as const) {
    if (block !== mine && provider[block] !== undefined)
      violations.push({ field: `provider.${block}`, reason: `must not be set when type is ${provider.type}` })
  }
  if (provider.type === 'Extension' && provider.extension === undefined)
    violations.push({ field: 'provider.extension', reason: 'must be set when type is Extension' })
  const { ca, autogenerate, certificateParameters } = provider.bundled ?? {}
  if (ca !== undefined && autogenerate?.enabled === true) {
    violations.push({ field: 'provider.bundled.ca', reason: 'must not be set when autogenerate is enabled' })
  }
  if (certificateParameters?.expiry !== undefined && durationMs(certificateParameters.expiry) < 60_000) {
    violations.push({ field: 'provider.bundled.certificateParameters.expiry', reason: 'must be at least 1m' })
  }
  return violations
}
