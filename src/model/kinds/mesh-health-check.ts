import Type, { type Static } from 'typebox'
import { checkTargets } from '../check-targets.ts'
import { durationSchema } from '../duration.ts'
import { headersToAdd } from '../header-modifier.ts'
import type { ResourceOf, Violation } from '../kind.ts'
import { definePolicy, toItems } from '../policy-kind.ts'
import { aboveZeroWhenDefined, atLeastOne, durationAboveZero, each, statusCode, violation, wholePercent } from '../rules.ts'
import { closed, described } from '../schema.ts'
import { topTargetRef } from '../target-ref.ts'

const duration = (description: string) => Type.Optional(described(durationSchema, description))
const count = (description: string) => Type.Optional(Type.Integer({ description }))
const disabled = Type.Optional(Type.Boolean({ description: 'For services that a broader policy checks in this way.' }))

const conf = closed({
  interval: duration('How often each host is asked; absent = 1m.'),
  timeout: duration('How long an answer may take; absent = 15s.'),
  unhealthyThreshold: count('So many failures one after the other, and the host is unhealthy; absent = 5.'),
  healthyThreshold: count('So many answers one after the other, and it is healthy again; absent = 1.'),
  initialJitter: duration('The first check comes up to this much later, by chance.'),
  intervalJitter: duration('Each further check comes up to this much later, by chance.'),
  intervalJitterPercent: count('As intervalJitter, in per cent of the interval; both are added.'),
  failTrafficOnPanic: Type.Optional(
    Type.Boolean({ description: 'Fail requests instead of sending them to unhealthy hosts when too few are healthy.' }),
  ),
  eventLogPath: Type.Optional(Type.String({ description: 'File that the proxy writes changes of health into.' })),
  alwaysLogHealthCheckFailures: Type.Optional(Type.Boolean({ description: 'Write every failure, not only the first one.' })),
  noTrafficInterval: duration('How often hosts that have had no request are asked; absent = 60s.'),
  reuseConnection: Type.Optional(Type.Boolean({ description: 'Keep the connection for the next check; absent = true.' })),
  tcp: Type.Optional(
    closed({
      disabled,
      send: Type.Optional(Type.String({ description: 'Bytes in base64; absent = connecting is enough.' })),
      receive: Type.Optional(Type.Array(Type.String(), { description: 'Pieces that must come back, in base64, in this order.' })),
    }),
  ),
  http: Type.Optional(
    closed({
      disabled,
      path: Type.Optional(Type.String({ description: 'Absent = /.' })),
      requestHeadersToAdd: Type.Optional(headersToAdd),
      expectedStatuses: Type.Optional(Type.Array(Type.Integer(), { description: 'Statuses of a healthy host; absent = 200.' })),
    }),
  ),
  grpc: Type.Optional(closed({ disabled, serviceName: Type.Optional(Type.String()), authority: Type.Optional(Type.String()) })),
})

const spec = closed({ targetRef: Type.Optional(topTargetRef), to: Type.Optional(toItems(conf)) })

/** Callers' proxies ask hosts whether they are well. */
export const meshHealthCheckKind = definePolicy({
  kind: 'MeshHealthCheck',
  short: 'mhc',
  path: 'meshhealthchecks',
  description: "Callers' proxies ask each host whether it is well, and send requests to those that are.",
  example: {
    name: 'backend',
    spec: {
      to: [
        {
          targetRef: { kind: 'MeshService', labels: { 'kuma.io/display-name': 'backend' } },
          default: { interval: '10s', timeout: '2s', unhealthyThreshold: 3, http: { path: '/health', expectedStatuses: [200] } },
        },
      ],
    },
  },
  spec,
  check,
  order: 1200,
})
export type MeshHealthCheck = ResourceOf<typeof meshHealthCheckKind>
export type MeshHealthCheckSpec = Static<typeof spec>
export type HealthCheckConf = Static<typeof conf>

function check(spec: MeshHealthCheckSpec): Violation[] {
  return [...checkTargets(spec), ...each(spec.to, 'to', (item, at) => checkConf(item.default, `${at}.default`))]
}

function checkConf(conf: HealthCheckConf, at: string): Violation[] {
  const durations = ['interval', 'timeout', 'initialJitter', 'intervalJitter', 'noTrafficInterval'] as const
  return [
    ...durations.flatMap(field => durationAboveZero(`${at}.${field}`, conf[field])),
    ...aboveZeroWhenDefined(`${at}.unhealthyThreshold`, conf.unhealthyThreshold),
    ...aboveZeroWhenDefined(`${at}.healthyThreshold`, conf.healthyThreshold),
    ...wholePercent(`${at}.intervalJitterPercent`, conf.intervalJitterPercent),
    ...(conf.eventLogPath !== undefined && !conf.eventLogPath.startsWith('/')
      ? violation(`${at}.eventLogPath`, 'must be a valid path when defined; begin it with /')
      : []),
    ...(conf.http?.path === '' ? violation(`${at}.http.path`, 'must be defined') : []),
    ...each(conf.http?.expectedStatuses, `${at}.http.expectedStatuses`, (status, field) => statusCode(field, status)),
    ...atLeastOne(at, conf, 'http', 'tcp', 'grpc'),
  ]
}
