import Type, { type Static } from 'typebox'
import { checkTargets } from '../check-targets.ts'
import { durationSchema } from '../duration.ts'
import type { ResourceOf, Violation } from '../kind.ts'
import { checkOtelBackendRef, otelBackendRef } from '../otel-backend-ref.ts'
import { definePolicy } from '../policy-kind.ts'
import { isRegularExpression } from '../regular-expression.ts'
import { each, violation } from '../rules.ts'
import { closed, condition, defaulting, described, oneOf, portNumber } from '../schema.ts'
import { topTargetRef } from '../target-ref.ts'

const selector = closed({ type: oneOf('Prefix', 'Regex', 'Exact', 'Contains'), match: Type.String() })

const sidecar = closed({
  profiles: Type.Optional(
    closed({
      appendProfiles: Type.Optional(Type.Array(closed({ name: oneOf('All', 'Basic', 'None') }), { description: 'Sets of metrics.' })),
      exclude: Type.Optional(Type.Array(selector, { description: 'Taken out of the sets.' })),
      include: Type.Optional(Type.Array(selector, { description: 'Put in again.' })),
    }),
  ),
  includeUnused: Type.Optional(Type.Boolean({ description: 'Metrics that were never changed, too.' })),
})

const application = closed({
  name: Type.Optional(Type.String()),
  address: Type.Optional(Type.String({ description: 'Absent = the address of the Dataplane.' })),
  port: portNumber,
  path: Type.Optional(Type.String({ default: '/metrics' })),
})

const backend = Type.Union([
  closed({
    type: Type.Literal('Prometheus'),
    prometheus: Type.Optional(
      closed({
        clientId: Type.Optional(Type.String({ description: 'The Prometheus that is meant, of several.' })),
        port: Type.Optional(defaulting(portNumber, 5670)),
        path: Type.Optional(Type.String({ default: '/metrics' })),
        tls: Type.Optional(
          closed({ mode: Type.Optional(Type.Enum(['Disabled', 'ProvidedTLS', 'ActiveMTLSBackend'], { default: 'Disabled' })) }),
        ),
      }),
    ),
  }),
  closed({
    type: Type.Literal('OpenTelemetry'),
    openTelemetry: closed({
      backendRef: Type.Optional(otelBackendRef),
      refreshInterval: Type.Optional(described(durationSchema, 'How often metrics are pushed; absent = 60s.')),
    }),
  }),
])

const conf = closed({
  sidecar: Type.Optional(sidecar),
  applications: Type.Optional(Type.Array(application, { description: 'Whose metrics the proxy hands on.' })),
  backends: Type.Optional(Type.Array(backend)),
})

const spec = closed({ targetRef: Type.Optional(topTargetRef), default: Type.Optional(conf) })

/** Which metrics proxies show, and to whom. */
export const meshMetricKind = definePolicy({
  kind: 'MeshMetric',
  short: 'mm',
  path: 'meshmetrics',
  description: 'Which metrics proxies show, those of applications among them, and to whom.',
  example: {
    name: 'all',
    spec: {
      default: {
        sidecar: { profiles: { appendProfiles: [{ name: 'Basic' }] } },
        backends: [{ type: 'Prometheus', prometheus: { port: 5670 } }],
      },
    },
  },
  spec,
  check,
  status: closed({ conditions: Type.Optional(Type.Array(condition)) }),
  order: 1500,
})
export type MeshMetric = ResourceOf<typeof meshMetricKind>
export type MeshMetricSpec = Static<typeof spec>
export type MetricConf = Static<typeof conf>
export type MetricBackend = Static<typeof backend>

function check(spec: MeshMetricSpec): Violation[] {
  const { sidecar, backends } = spec.default ?? {}
  const selectors = { exclude: sidecar?.profiles?.exclude, include: sidecar?.profiles?.include }
  return [
    ...checkTargets(spec),
    ...Object.entries(selectors).flatMap(([list, items]) =>
      each(items, `default.sidecar.profiles.${list}`, ({ type, match }, at) =>
        type === 'Regex' && !isRegularExpression(match) ? violation(`${at}.match`, 'invalid regex') : [],
      ),
    ),
    ...each(backends, 'default.backends', (backend, at) =>
      backend.type === 'OpenTelemetry' ? checkOtelBackendRef(backend.openTelemetry.backendRef, `${at}.openTelemetry.backendRef`) : [],
    ),
  ]
}
