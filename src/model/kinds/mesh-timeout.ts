import Type, { type Static } from 'typebox'
import { checkTargets } from '../check-targets.ts'
import { durationSchema } from '../duration.ts'
import { inboundMatches } from '../inbound-match.ts'
import type { ResourceOf, Violation } from '../kind.ts'
import { definePolicy, toItems } from '../policy-kind.ts'
import { durationAboveZero, durationNotNegative, each, violation } from '../rules.ts'
import { closed, defaulting, described } from '../schema.ts'
import { topTargetRef } from '../target-ref.ts'

const timeout = (description: string) => Type.Optional(described(durationSchema, description))

const conf = closed({
  connectionTimeout: timeout('Until a TCP connection stands. More than 0.'),
  idleTimeout: timeout('How long a connection may carry nothing before it is closed. 0 = for ever.'),
  http: Type.Optional(
    closed({
      requestTimeout: timeout('From the whole request to the whole answer. 0 = for ever.'),
      streamIdleTimeout: timeout('How long one request and its answer may carry nothing. 0 = for ever.'),
      maxStreamDuration: timeout('How long one request with its answer may last in all. 0 = for ever.'),
      maxConnectionDuration: timeout('Age at which a connection takes no more requests. 0 = never.'),
      requestHeadersTimeout: timeout('Until the head of a request has come. 0 = for ever.'),
    }),
  ),
})

const spec = closed({
  targetRef: Type.Optional(topTargetRef),
  rules: Type.Optional(
    Type.Array(closed({ matches: Type.Optional(inboundMatches), default: defaulting(conf, {}) }), {
      description: 'For requests and connections that come in.',
    }),
  ),
  to: Type.Optional(toItems(conf)),
})

/** How long a proxy waits, out (`to`) or in (`rules`). */
export const meshTimeoutKind = definePolicy({
  kind: 'MeshTimeout',
  short: 'mt',
  path: 'meshtimeouts',
  description: 'How long proxies wait: for connections, for answers, and for something to come over an idle connection.',
  example: {
    name: 'slow-backend',
    spec: {
      targetRef: { kind: 'Dataplane', labels: { app: 'web' } },
      to: [
        {
          targetRef: { kind: 'MeshService', labels: { 'kuma.io/display-name': 'backend' } },
          default: { connectionTimeout: '2s', http: { requestTimeout: '5s' } },
        },
      ],
    },
  },
  spec,
  check,
  order: 1000,
})
export type MeshTimeout = ResourceOf<typeof meshTimeoutKind>
export type MeshTimeoutSpec = Static<typeof spec>
export type TimeoutConf = Static<typeof conf>

function check(spec: MeshTimeoutSpec): Violation[] {
  const violations = checkTargets(spec)
  const { rules = [], to = [] } = spec
  if (rules.length > 0 && to.length > 0) violations.push({ field: '', reason: "'to' must be empty when 'rules' is defined" })
  if (rules.length === 0 && to.length === 0) violations.push({ field: '', reason: "at least one of 'to' or 'rules' has to be defined" })
  return [
    ...violations,
    ...each(rules, 'rules', (rule, at) => checkConf(rule.default, `${at}.default`)),
    ...each(to, 'to', (item, at) => [
      ...checkConf(item.default, `${at}.default`),
      ...(item.targetRef.kind === 'MeshHTTPRoute' ? forRoute(item.default, `${at}.default`) : []),
    ]),
  ]
}

function checkConf({ connectionTimeout, idleTimeout, http }: TimeoutConf, at: string): Violation[] {
  if (connectionTimeout === undefined && idleTimeout === undefined && http === undefined)
    return violation(at, 'at least one timeout should be configured')
  const violations = [
    ...durationAboveZero(`${at}.connectionTimeout`, connectionTimeout),
    ...durationNotNegative(`${at}.idleTimeout`, idleTimeout),
  ]
  if (http === undefined) return violations
  if (Object.keys(http).length === 0)
    return [...violations, ...violation(`${at}.http`, 'at least one timeout in this section should be configured')]
  return [...violations, ...Object.entries(http).flatMap(([field, value]) => durationNotNegative(`${at}.http.${field}`, value))]
}

/** What belongs to a connection cannot differ by route. */
function forRoute({ connectionTimeout, idleTimeout, http }: TimeoutConf, at: string): Violation[] {
  const ofConnections = {
    connectionTimeout,
    idleTimeout,
    'http.maxConnectionDuration': http?.maxConnectionDuration,
    'http.requestHeadersTimeout': http?.requestHeadersTimeout,
  }
  return Object.entries(ofConnections).flatMap(([field, value]) =>
    value === undefined ? [] : violation(`${at}.${field}`, "can't be specified when targetRef is referencing MeshHTTPRoute"),
  )
}
