import Type, { type Static } from 'typebox'
import { defineKind, type ResourceOf } from '../kind.ts'
import { closed, oneOf } from '../schema.ts'

const count = Type.Optional(Type.Integer({ minimum: 0 }))

const service = closed({
  status: Type.Optional(oneOf('none', 'offline', 'partially_degraded', 'online', 'not_available')),
  dataplanes: Type.Optional(closed({ total: count, online: count, offline: count })),
  issuedBackends: Type.Optional(Type.Record(Type.String(), Type.Integer({ minimum: 0 }))),
  serviceType: Type.Optional(oneOf('internal', 'external', 'gateway_delegated')),
  addressPort: Type.Optional(Type.String()),
  zones: Type.Optional(Type.Array(Type.String())),
})

/** The services of a mesh and whether they answer. Kuma keeps the kind and no longer fills it: MeshService says more. */
export const serviceInsightKind = defineKind({
  kind: 'ServiceInsight',
  short: 'si',
  path: 'service-insights',
  scope: 'mesh',
  shape: 'flat',
  sync: 'none',
  naming: 'rfc1123',
  description: 'The services of a mesh and whether they answer.',
  example: { name: 'all-services-default', spec: { services: { backend: { status: 'online', dataplanes: { total: 2, online: 2 } } } } },
  spec: closed({ services: Type.Optional(Type.Record(Type.String(), service)) }),
  readOnly: true,
  columns: [{ title: 'SERVICES', value: ({ spec }) => String(Object.keys(spec.services ?? {}).length) }],
})
export type ServiceInsight = ResourceOf<typeof serviceInsightKind>
export type ServiceInsightSpec = ServiceInsight['spec']
export type ServiceStat = Static<typeof service>
