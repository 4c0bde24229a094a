import Type, { type Static } from 'typebox'
import { defineKind, type ResourceOf } from '../kind.ts'
import { closed } from '../schema.ts'

const count = Type.Optional(Type.Integer({ minimum: 0 }))

const proxies = closed({ total: count, online: count, offline: count, partiallyDegraded: count })
const byName = Type.Optional(Type.Record(Type.String(), proxies))

/** What a mesh holds, in numbers. Rendered from what is true now; nobody writes it. */
export const meshInsightKind = defineKind({
  kind: 'MeshInsight',
  short: 'mi',
  path: 'mesh-insights',
  scope: 'global',
  shape: 'flat',
  sync: 'none',
  naming: 'rfc1035',
  description: 'What a mesh holds, in numbers.',
  example: { name: 'default', spec: { dataplanes: { total: 12, online: 11, offline: 1 }, resources: { MeshService: { total: 3 } } } },
  spec: closed({
    dataplanes: Type.Optional(proxies),
    dataplanesByType: Type.Optional(
      closed({ standard: Type.Optional(proxies), gateway: Type.Optional(proxies), gatewayDelegated: Type.Optional(proxies) }),
    ),
    dpVersions: Type.Optional(closed({ kumaDp: byName, envoy: byName })),
    mTLS: Type.Optional(closed({ issuedBackends: byName, supportedBackends: byName })),
    /** By kind. */
    resources: Type.Optional(Type.Record(Type.String(), closed({ total: count }))),
  }),
  readOnly: true,
  columns: [{ title: 'PROXIES', value: ({ spec }) => `${spec.dataplanes?.online ?? 0}/${spec.dataplanes?.total ?? 0}` }],
})
export type MeshInsight = ResourceOf<typeof meshInsightKind>
export type MeshInsightSpec = MeshInsight['spec']
export type ProxyStat = Static<typeof proxies>
