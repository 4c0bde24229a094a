import Type, { type Static } from 'typebox'
import { defineKind, type ResourceOf } from '../kind.ts'
import { closed } from '../schema.ts'
import { isOpen, responseCounters, text } from './insight.ts'

const counters = Type.Optional(responseCounters)

const subscription = closed({
  id: Type.String(),
  controlPlaneInstanceId: text,
  connectTime: text,
  disconnectTime: text,
  generation: Type.Optional(Type.Integer()),
  status: Type.Optional(
    closed({
      lastUpdateTime: text,
      total: counters,
      cds: counters,
      eds: counters,
      lds: counters,
      rds: counters,
      sds: counters,
      vhds: counters,
    }),
  ),
  version: Type.Optional(
    closed({
      kumaDp: Type.Optional(
        closed({ version: text, gitTag: text, gitCommit: text, buildDate: text, kumaCpCompatible: Type.Optional(Type.Boolean()) }),
      ),
      envoy: Type.Optional(closed({ version: text, build: text, kumaDpCompatible: Type.Optional(Type.Boolean()) })),
      dependencies: Type.Optional(Type.Record(Type.String(), Type.String())),
      /** Ours: the version of the built-in proxy. */
      skerry: text,
    }),
  ),
})

const texts = Type.Optional(Type.Array(Type.String()))
const flag = Type.Optional(Type.Boolean())

const telemetrySignal = Type.Optional(
  closed({
    enabled: flag,
    envAllowed: flag,
    envInputPresent: flag,
    state: text,
    overrideKinds: texts,
    missingFields: texts,
    blockedReasons: texts,
  }),
)

/** What a zone knows of a proxy. Rendered from live facts; nobody writes it by hand. */
export const dataplaneInsightKind = defineKind({
  kind: 'DataplaneInsight',
  short: 'dpi',
  path: 'dataplane-insights',
  scope: 'mesh',
  shape: 'flat',
  sync: 'zone',
  naming: 'rfc1123',
  description: 'What a zone knows of a proxy: its connections, its certificate, and whether callers may send to it.',
  example: {
    name: 'web-1',
    spec: { subscriptions: [{ id: 'c1', connectTime: '2026-11-21T09:00:00Z' }], readiness: [{ inbound: 'http', ready: true }] },
  },
  spec: closed({
    subscriptions: Type.Optional(Type.Array(subscription)),
    mTLS: Type.Optional(
      closed({
        certificateExpirationTime: text,
        lastCertificateRegeneration: text,
        certificateRegenerations: Type.Optional(Type.Integer()),
        issuedBackend: text,
        supportedBackends: Type.Optional(Type.Array(Type.String())),
      }),
    ),
    metadata: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    /** What a proxy made of the MeshOpenTelemetryBackends that it was given. */
    openTelemetry: Type.Optional(
      closed({
        backends: Type.Optional(
          Type.Array(closed({ name: text, traces: telemetrySignal, logs: telemetrySignal, metrics: telemetrySignal })),
        ),
      }),
    ),
    /** Ours: may callers send to it, by inbound, and why not. */
    readiness: Type.Optional(Type.Array(closed({ inbound: Type.String(), ready: Type.Boolean(), reason: text }))),
    /** Ours: the last configuration it refused, why, and which of its resources that was. */
    refusals: Type.Optional(
      Type.Array(closed({ type: Type.String(), time: text, reason: Type.String(), resources: Type.Optional(Type.Array(Type.String())) })),
    ),
  }),
  readOnly: true,
  columns: [{ title: 'ONLINE', value: insight => String(insight.spec.subscriptions?.some(isOpen) ?? false) }],
})
export type DataplaneInsight = ResourceOf<typeof dataplaneInsightKind>
export type DataplaneInsightSpec = DataplaneInsight['spec']
export type DataplaneSubscription = Static<typeof subscription>
