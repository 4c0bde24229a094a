import Type, { type Static } from 'typebox'
import { isHostAndPort } from '../address.ts'
import { checkTargets } from '../check-targets.ts'
import { inboundMatches } from '../inbound-match.ts'
import type { ResourceOf, Violation } from '../kind.ts'
import { checkOtelBackendRef, otelBackendRef } from '../otel-backend-ref.ts'
import { definePolicy } from '../policy-kind.ts'
import { each, violation } from '../rules.ts'
import { closed, condition, nonEmpty } from '../schema.ts'
import { topTargetRef, toTargetRef } from '../target-ref.ts'

const field = closed({ key: Type.String(), value: Type.String() })

const omitEmptyValues = Type.Optional(
  Type.Boolean({ default: false, description: 'Leave out what has no value, instead of writing "-" or null.' }),
)
const format = Type.Union([
  closed({ type: Type.Literal('Plain'), plain: Type.Optional(Type.String()), json: Type.Optional(Type.Array(field)), omitEmptyValues }),
  closed({ type: Type.Literal('Json'), json: Type.Optional(Type.Array(field)), plain: Type.Optional(Type.String()), omitEmptyValues }),
])

const backend = Type.Union([
  closed({ type: Type.Literal('Tcp'), tcp: closed({ address: nonEmpty, format: Type.Optional(format) }) }),
  closed({ type: Type.Literal('File'), file: closed({ path: nonEmpty, format: Type.Optional(format) }) }),
  closed({
    type: Type.Literal('OpenTelemetry'),
    openTelemetry: closed({
      backendRef: Type.Optional(otelBackendRef),
      attributes: Type.Optional(Type.Array(field, { description: "Beside what OpenTelemetry's conventions name." })),
      body: Type.Optional(
        Type.Unknown({ description: 'A text, or any JSON whose texts hold placeholders; absent = a line of the default format.' }),
      ),
    }),
  }),
])

const conf = closed({ backends: Type.Optional(Type.Array(backend)) })

const spec = closed({
  targetRef: Type.Optional(topTargetRef),
  rules: Type.Optional(
    Type.Array(closed({ matches: Type.Optional(inboundMatches), default: conf }), {
      description: 'For requests and connections that come in.',
    }),
  ),
  to: Type.Optional(Type.Array(closed({ targetRef: toTargetRef, default: conf }))),
})

/** Where a line for each request goes, and what is in it. */
export const meshAccessLogKind = definePolicy({
  kind: 'MeshAccessLog',
  short: 'mal',
  path: 'meshaccesslogs',
  description: 'Where a line for each request or connection goes, and what is in it.',
  example: {
    name: 'all-requests',
    spec: { rules: [{ default: { backends: [{ type: 'File', file: { path: '/var/log/mesh.log' } }] } }] },
  },
  spec,
  check,
  status: closed({ conditions: Type.Optional(Type.Array(condition)) }),
  order: 600,
})
export type MeshAccessLog = ResourceOf<typeof meshAccessLogKind>
export type MeshAccessLogSpec = Static<typeof spec>
export type AccessLogConf = Static<typeof conf>
export type AccessLogBackend = Static<typeof backend>
export type AccessLogFormat = Static<typeof format>

function check(spec: MeshAccessLogSpec): Violation[] {
  const { rules = [], to = [] } = spec
  return [
    ...checkTargets(spec),
    ...(rules.length > 0 && to.length > 0 ? violation('', "'to' must be empty when 'rules' is defined") : []),
    ...(rules.length === 0 && to.length === 0 ? violation('', "at least one of 'to' or 'rules' has to be defined") : []),
    ...each(rules, 'rules', (rule, at) => checkConf(rule.default, `${at}.default`)),
    ...each(to, 'to', (item, at) => checkConf(item.default, `${at}.default`)),
  ]
}

function checkConf({ backends }: AccessLogConf, at: string): Violation[] {
  if (backends === undefined) return violation(`${at}.backends`, 'must be defined')
  return each(backends, `${at}.backends`, checkBackend)
}

function checkBackend(backend: AccessLogBackend, at: string): Violation[] {
  switch (backend.type) {
    case 'File':
      return [
        ...checkFormat(backend.file.format, `${at}.file.format`),
        ...(backend.file.path.startsWith('/') ? [] : violation(`${at}.file.path`, 'file backend requires a valid path; begin it with /')),
      ]
    case 'Tcp':
      return [
        ...checkFormat(backend.tcp.format, `${at}.tcp.format`),
        ...(isHostAndPort(backend.tcp.address)
          ? []
          : violation(`${at}.tcp.address`, 'tcp backend requires valid address; write host:port')),
      ]
    case 'OpenTelemetry':
      return [
        ...checkOtelBackendRef(backend.openTelemetry.backendRef, `${at}.openTelemetry.backendRef`),
        ...each(backend.openTelemetry.attributes, `${at}.openTelemetry.attributes`, ({ key }, field) => attributeName(`${field}.key`, key)),
      ]
  }
}

function checkFormat(format: AccessLogFormat | undefined, at: string): Violation[] {
  if (format === undefined) return []
  if (format.type === 'Plain') {
    if (format.plain === undefined) return violation(`${at}.plain`, 'must be defined')
    return format.plain === '' ? violation(`${at}.plain`, 'must not be empty') : []
  }
  if (format.json === undefined) return violation(`${at}.json`, 'must be defined')
  if (format.json.length === 0) return violation(`${at}.json`, 'must not be empty')
  return each(format.json, `${at}.json`, ({ key, value }, field) => [
    ...(key === '' ? violation(`${field}.key`, 'key cannot be empty') : []),
    ...(value === '' ? violation(`${field}.value`, 'value cannot be empty') : []),
    ...(isJson(`{"${key}": "${value}"}`) ? [] : violation(field, 'is not a valid JSON object')),
  ])
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** https://opentelemetry.io/docs/specs/semconv/general/naming/ */
function attributeName(field: string, name: string): Violation[] {
  if (name === '') return violation(field, 'must be defined')
  if (name.includes('%'))
    return violation(field, 'must be a static OpenTelemetry attribute name; placeholders are only supported in values')
  if (name.startsWith('otel.')) return violation(field, "must not use the reserved OpenTelemetry prefix 'otel.'")
  if (/^[a-z]([a-z0-9]|[._][a-z0-9])*$/.test(name)) return []
  return violation(
    field,
    "must start with a lowercase letter, use only lowercase letters, digits, '.' or '_', avoid consecutive delimiters, and end with a letter or digit",
  )
}
