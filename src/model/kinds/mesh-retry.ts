import Type, { type Static } from 'typebox'
import { checkTargets } from '../check-targets.ts'
import { durationSchema } from '../duration.ts'
import { headerMatch } from '../header-match.ts'
import type { ResourceOf, Violation } from '../kind.ts'
import { definePolicy, toItems } from '../policy-kind.ts'
import { durationAboveZero, each, violation } from '../rules.ts'
import { closed, described, headerName, labelMap, oneOf } from '../schema.ts'
import { topTargetRef } from '../target-ref.ts'

const count = Type.Integer({ minimum: 0, maximum: 4294967295 })
const interval = (description: string) => Type.Optional(described(durationSchema, description))

const backOff = closed(
  {
    baseInterval: interval('The first pause is at most this long.'),
    maxInterval: interval('No pause is longer; absent = ten times the base.'),
  },
  { description: 'Pauses between attempts: by chance, growing.' },
)
const rateLimitedBackOff = closed(
  {
    resetHeaders: Type.Optional(Type.Array(closed({ name: headerName, format: oneOf('Seconds', 'UnixTimestamp') }))),
    maxInterval: interval('A pause that the answer asks for is taken up to this long; absent = 300s.'),
  },
  { description: 'Pauses that an overloaded destination asks for in a header.' },
)
const common = {
  numRetries: Type.Optional(described(count, 'Attempts after the first one.')),
  perTryTimeout: interval('How long one attempt may take; 0 or absent = as long as the request.'),
  backOff: Type.Optional(backOff),
  rateLimitedBackOff: Type.Optional(rateLimitedBackOff),
}

const hostSelection = closed({
  predicate: oneOf('OmitPreviousHosts', 'OmitHostsWithTags', 'OmitPreviousPriorities'),
  tags: Type.Optional(labelMap),
  updateFrequency: Type.Optional(
    Type.Integer({
      minimum: 0,
      default: 2,
      description: 'With OmitPreviousPriorities: after how many attempts the priorities are weighed anew.',
    }),
  ),
})

const conf = closed({
  tcp: Type.Optional(closed({ maxConnectAttempt: Type.Optional(described(count, 'How many hosts are tried for one connection.')) })),
  http: Type.Optional(
    closed({
      ...common,
      retryOn: Type.Optional(
        Type.Array(Type.String(), {
          description:
            'What is tried again: 5XX, GatewayError, Reset, Retriable4xx, ConnectFailure, EnvoyRatelimited, RefusedStream, Http3PostConnectFailure, a method as HttpMethodGet, or a status as 503.',
        }),
      ),
      retriableResponseHeaders: Type.Optional(
        Type.Array(headerMatch, { description: 'Answers with one of these headers are tried again.' }),
      ),
      retriableRequestHeaders: Type.Optional(
        Type.Array(headerMatch, { description: 'Only requests with one of these headers are tried again.' }),
      ),
      hostSelection: Type.Optional(Type.Array(hostSelection, { description: 'Which hosts another attempt leaves out.' })),
      hostSelectionMaxAttempts: Type.Optional(
        Type.Integer({ minimum: 0, description: 'How often another host is sought before one that should be left out is taken.' }),
      ),
    }),
  ),
  grpc: Type.Optional(
    closed({
      ...common,
      retryOn: Type.Optional(
        Type.Array(oneOf('Canceled', 'DeadlineExceeded', 'Internal', 'ResourceExhausted', 'Unavailable'), {
          description: 'Statuses that are tried again.',
        }),
      ),
    }),
  ),
})

const spec = closed({ targetRef: Type.Optional(topTargetRef), to: Type.Optional(toItems(conf)) })

/** Which requests are tried again, how often, and where. */
export const meshRetryKind = definePolicy({
  kind: 'MeshRetry',
  short: 'mr',
  path: 'meshretries',
  description: 'Which requests are tried again when they fail, how often, after which pauses, and on which hosts.',
  example: {
    name: 'backend',
    spec: {
      to: [
        {
          targetRef: { kind: 'MeshService', labels: { 'kuma.io/display-name': 'backend' } },
          default: { http: { numRetries: 3, retryOn: ['5XX', 'ConnectFailure'] } },
        },
      ],
    },
  },
  spec,
  check,
  order: 1400,
})
export type MeshRetry = ResourceOf<typeof meshRetryKind>
export type MeshRetrySpec = Static<typeof spec>
export type RetryConf = Static<typeof conf>

type BackOff = Static<typeof backOff>
type RateLimitedBackOff = Static<typeof rateLimitedBackOff>

const conditions = new Set(
  ['5XX', 'GatewayError', 'Reset', 'Retriable4xx', 'ConnectFailure', 'EnvoyRatelimited', 'RefusedStream', 'Http3PostConnectFailure'].concat(
    ['Connect', 'Delete', 'Get', 'Head', 'Options', 'Patch', 'Post', 'Put', 'Trace'].map(method => `HttpMethod${method}`),
  ),
)

function check(spec: MeshRetrySpec): Violation[] {
  const { to = [] } = spec
  return [
    ...checkTargets(spec),
    ...(to.length === 0 ? violation('to', 'needs at least one item') : []),
    ...each(to, 'to', (item, at) => checkConf(item.default, `${at}.default`)),
  ]
}

function checkConf({ tcp, http, grpc }: RetryConf, at: string): Violation[] {
  const violations: Violation[] = []
  if (tcp === undefined && http === undefined && grpc === undefined)
    violations.push({ field: at, reason: "at least one of the 'tcp', 'http', 'grpc' must be specified" })
  for (const [section, members] of Object.entries({ tcp, http, grpc }))
    if (members !== undefined && Object.keys(members).length === 0)
      violations.push({ field: `${at}.${section}`, reason: 'must not be empty' })
  for (const [section, common] of Object.entries({ http, grpc }))
    if (common !== undefined) violations.push(...checkBackOffs(common, `${at}.${section}`))
  http?.retryOn?.forEach((item, index) => {
    if (!conditions.has(item) && !/^[1-5][0-9][0-9]$/.test(item))
      violations.push({ field: `${at}.http.retryOn[${index}]`, reason: `unknown item '${item}'` })
  })
  const priorities = (http?.hostSelection ?? []).flatMap(({ predicate }, index) => (predicate === 'OmitPreviousPriorities' ? [index] : []))
  for (const index of priorities.slice(1))
    violations.push({ field: `${at}.http.hostSelection[${index}].predicate`, reason: 'OmitPreviousPriorities must only be specified once' })
  http?.hostSelection?.forEach(({ predicate, tags, updateFrequency }, index) => {
    const field = `${at}.http.hostSelection[${index}]`
    if (predicate === 'OmitHostsWithTags' && tags === undefined) violations.push({ field: `${field}.tags`, reason: 'must be defined' })
    if (predicate === 'OmitPreviousPriorities' && updateFrequency === 0)
      violations.push({ field: `${field}.updateFrequency`, reason: 'must be defined and greater than zero' })
  })
  return violations
}

function checkBackOffs(
  { backOff, rateLimitedBackOff }: { backOff?: BackOff; rateLimitedBackOff?: RateLimitedBackOff },
  at: string,
): Violation[] {
  const violations: Violation[] = []
  if (backOff !== undefined) {
    if (backOff.baseInterval === undefined && backOff.maxInterval === undefined)
      violations.push({ field: `${at}.backOff`, reason: 'must not be empty' })
    violations.push(...durationAboveZero(`${at}.backOff.baseInterval`, backOff.baseInterval))
    violations.push(...durationAboveZero(`${at}.backOff.maxInterval`, backOff.maxInterval))
  }
  if (rateLimitedBackOff !== undefined) {
    violations.push(...durationAboveZero(`${at}.rateLimitedBackOff.maxInterval`, rateLimitedBackOff.maxInterval))
    if (rateLimitedBackOff.resetHeaders === undefined)
      violations.push({ field: `${at}.rateLimitedBackOff.resetHeaders`, reason: 'must be defined' })
  }
  return violations
}
