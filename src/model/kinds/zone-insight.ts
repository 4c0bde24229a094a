import Type, { type Static } from 'typebox'
import { defineKind, type ResourceOf } from '../kind.ts'
import { closed } from '../schema.ts'
import { isOpen, responseCounters, text } from './insight.ts'

const subscription = closed({
  id: Type.String(),
  globalInstanceId: text,
  zoneInstanceId: text,
  connectTime: text,
  disconnectTime: text,
  generation: Type.Optional(Type.Integer()),
  status: Type.Optional(
    closed({
      lastUpdateTime: text,
      total: Type.Optional(responseCounters),
      /** By kind. */
      stat: Type.Optional(Type.Record(Type.String(), responseCounters)),
    }),
  ),
  version: Type.Optional(
    closed({
      kumaCp: Type.Optional(
        closed({ version: text, gitTag: text, gitCommit: text, buildDate: text, kumaCpGlobalCompatible: Type.Optional(Type.Boolean()) }),
      ),
    }),
  ),
  /** JSON. */
  config: text,
  authTokenProvided: Type.Optional(Type.Boolean()),
})

const stream = Type.Optional(closed({ globalInstanceId: text, connectTime: text }))

/** What global knows of a zone. Rendered from live facts; nobody writes it by hand. */
export const zoneInsightKind = defineKind({
  kind: 'ZoneInsight',
  short: 'zi',
  path: 'zone-insights',
  scope: 'global',
  shape: 'flat',
  sync: 'none',
  naming: 'rfc1035',
  description: 'What global knows of a zone: its connections, and what was sent over them.',
  example: { name: 'aws-1', spec: { subscriptions: [{ id: 'c1', connectTime: '2026-11-21T09:00:00Z' }] } },
  spec: closed({
    subscriptions: Type.Optional(Type.Array(subscription)),
    envoyAdminStreams: Type.Optional(
      closed({ configDumpGlobalInstanceId: text, statsGlobalInstanceId: text, clustersGlobalInstanceId: text }),
    ),
    kdsStreams: Type.Optional(closed({ globalToZone: stream, zoneToGlobal: stream, configDump: stream, stats: stream, clusters: stream })),
    healthCheck: Type.Optional(closed({ time: text })),
    /** Ours: do both sides hold the same? Kinds that differ are listed. */
    sync: Type.Optional(closed({ inSync: Type.Boolean(), behind: Type.Optional(Type.Array(Type.String())) })),
    /** Ours: what the zone says of itself. */
    proxies: Type.Optional(closed({ connected: Type.Integer(), ready: Type.Integer(), total: Type.Integer() })),
  }),
  readOnly: true,
  columns: [{ title: 'ONLINE', value: insight => String(insight.spec.subscriptions?.some(isOpen) ?? false) }],
})
export type ZoneInsight = ResourceOf<typeof zoneInsightKind>
export type ZoneInsightSpec = ZoneInsight['spec']
export type ZoneSubscription = Static<typeof subscription>
