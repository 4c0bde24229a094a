import Type, { type Static } from 'typebox'
import { isUrl } from '../address.ts'
import { checkTargets } from '../check-targets.ts'
import type { ResourceOf, Violation } from '../kind.ts'
import { checkOtelBackendRef, otelBackendRef } from '../otel-backend-ref.ts'
import { definePolicy } from '../policy-kind.ts'
import { each, percent, violation } from '../rules.ts'
import { closed, condition, described, intOrString } from '../schema.ts'
import { topTargetRef } from '../target-ref.ts'

const backend = Type.Union([
  closed({
    type: Type.Literal('Zipkin'),
    zipkin: closed({
      url: Type.String({ description: 'Where spans are posted to: `http://zipkin:9411/api/v2/spans`.' }),
      apiVersion: Type.Optional(Type.Enum(['httpJson', 'httpProto'], { default: 'httpJson' })),
      traceId128bit: Type.Optional(Type.Boolean({ default: false })),
      sharedSpanContext: Type.Optional(Type.Boolean({ default: true })),
    }),
  }),
  closed({
    type: Type.Literal('Datadog'),
    datadog: closed({
      url: Type.String({ description: 'Address of the agent: `http://agent:8126`.' }),
      splitService: Type.Optional(Type.Boolean({ default: false, description: 'One service name for each direction and destination.' })),
    }),
  }),
  closed({ type: Type.Literal('OpenTelemetry'), openTelemetry: closed({ backendRef: Type.Optional(otelBackendRef) }) }),
])

const tag = closed({
  name: Type.String(),
  literal: Type.Optional(Type.String()),
  header: Type.Optional(closed({ name: Type.String(), default: Type.Optional(Type.String()) })),
})

const share = (description: string) => Type.Optional(described(intOrString, description))

const conf = closed({
  backends: Type.Optional(Type.Array(backend, { maxItems: 1, otherwise: 'must have zero or one backend defined' })),
  sampling: Type.Optional(
    closed({
      overall: share('Of all requests at most so many per cent, whatever else asks for it; absent = 100.'),
      client: share('Per cent of the requests whose caller asks for a trace; absent = 100.'),
      random: share('Per cent of the other requests; absent = 100.'),
    }),
  ),
  tags: Type.Optional(Type.Array(tag, { description: 'Beside the usual ones: a text, or the value of a header.' })),
})

const spec = closed({ targetRef: Type.Optional(topTargetRef), default: Type.Optional(conf) })

/** Where spans go, of how many requests, with which tags. */
export const meshTraceKind = definePolicy({
  kind: 'MeshTrace',
  short: 'mtr',
  path: 'meshtraces',
  description: 'Where spans of requests go, of how many requests, and with which tags.',
  example: {
    name: 'all-requests',
    spec: {
      default: {
        backends: [
          {
            type: 'OpenTelemetry',
            openTelemetry: { backendRef: { kind: 'MeshOpenTelemetryBackend', labels: { 'kuma.io/display-name': 'collector' } } },
          },
        ],
        sampling: { random: 10 },
      },
    },
  },
  spec,
  check,
  status: closed({ conditions: Type.Optional(Type.Array(condition)) }),
  order: 700,
})
export type MeshTrace = ResourceOf<typeof meshTraceKind>
export type MeshTraceSpec = Static<typeof spec>
export type TraceConf = Static<typeof conf>
export type TraceBackend = Static<typeof backend>

function check(spec: MeshTraceSpec): Violation[] {
  const conf = spec.default ?? {}
  return [
    ...checkTargets(spec),
    ...(conf.backends === undefined ? violation('default.backends', 'must be defined') : []),
    ...each(conf.backends, 'default.backends', checkBackend),
    ...each(conf.tags, 'default.tags', ({ name, header, literal }, at) => [
      ...(name === '' ? violation(`${at}.name`, 'must not be empty') : []),
      ...((header === undefined) === (literal === undefined) ? violation(at, 'tag must have only one type defined: header, literal') : []),
    ]),
    ...Object.entries(conf.sampling ?? {}).flatMap(([field, value]) => percent(`default.sampling.${field}`, value)),
  ]
}

function checkBackend(backend: TraceBackend, at: string): Violation[] {
  switch (backend.type) {
    case 'Datadog':
      return checkDatadogUrl(backend.datadog.url, `${at}.datadog.url`)
    case 'Zipkin':
      if (backend.zipkin.url === '') return violation(`${at}.zipkin.url`, 'must not be empty')
      return isUrl(backend.zipkin.url) ? [] : violation(`${at}.zipkin.url`, 'must be a valid url')
    case 'OpenTelemetry':
      return checkOtelBackendRef(backend.openTelemetry.backendRef, `${at}.openTelemetry.backendRef`)
  }
}

/** The agent's address and nothing more: `http://host:8126`. */
function checkDatadogUrl(text: string, at: string): Violation[] {
  const match = /^([a-z][-+.a-z0-9]*):[/][/]([^@/?#]*@)?(?:\[[^\]]*\]|[^:/?#]*)(?::([^/?#]*))?([^?#]*)([?][^#]*)?(#.*)?$/i.exec(text)
  if (match === null || !isUrl(text.replace(/:[0-9]+/, ''))) return violation(at, 'must be a valid url')
  const [, scheme = '', user, port, path, query, fragment] = match
  const violations: Violation[] = []
  if (scheme.toLowerCase() !== 'http') violations.push({ field: at, reason: 'scheme must be http' })
  if (!port) violations.push({ field: at, reason: 'port must be defined' })
  else if (!(Number(port) >= 1 && Number(port) <= 65535)) violations.push({ field: at, reason: 'port must be a valid (1-65535)' })
  for (const [part, value] of Object.entries({ user, path, query, fragment }))
    if (value) violations.push({ field: at, reason: `${part} must not be defined` })
  return violations
}
