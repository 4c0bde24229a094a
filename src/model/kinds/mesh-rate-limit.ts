import Type, { type Static } from 'typebox'
import { checkTargets } from '../check-targets.ts'
import { durationSchema } from '../duration.ts'
import { headersToAdd } from '../header-modifier.ts'
import { inboundMatches } from '../inbound-match.ts'
import type { ResourceOf, Violation } from '../kind.ts'
import { definePolicy, toItems } from '../policy-kind.ts'
import { aboveZero, atLeastOne, durationAbove, each, violation } from '../rules.ts'
import { closed, defaulting, described } from '../schema.ts'
import { topTargetRef } from '../target-ref.ts'

const rate = closed({ num: Type.Integer({ description: 'So many …' }), interval: described(durationSchema, '… in so long: 50ms or more.') })
const disabled = Type.Optional(Type.Boolean({ description: 'No limit where a broader policy sets one.' }))

const conf = closed({
  local: Type.Optional(
    closed(
      {
        http: Type.Optional(
          closed({
            disabled,
            requestRate: Type.Optional(rate),
            onRateLimit: Type.Optional(
              closed({
                status: Type.Optional(Type.Integer({ description: 'Status of the answer to what is too much; absent = 429.' })),
                headers: Type.Optional(headersToAdd),
              }),
            ),
          }),
        ),
        tcp: Type.Optional(closed({ disabled, connectionRate: Type.Optional(rate) })),
      },
      { description: 'Counted by each proxy for itself.' },
    ),
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

/** How many requests or connections in how long. */
export const meshRateLimitKind = definePolicy({
  kind: 'MeshRateLimit',
  short: 'mrl',
  path: 'meshratelimits',
  description: 'How many requests or connections a proxy lets through in a given time.',
  example: {
    name: 'backend',
    spec: {
      targetRef: { kind: 'Dataplane', labels: { app: 'backend' } },
      rules: [{ default: { local: { http: { requestRate: { num: 100, interval: '1s' } } } } }],
    },
  },
  spec,
  check,
  order: 900,
})
export type MeshRateLimit = ResourceOf<typeof meshRateLimitKind>
export type MeshRateLimitSpec = Static<typeof spec>
export type RateLimitConf = Static<typeof conf>

type Rate = Static<typeof rate>

function check(spec: MeshRateLimitSpec): Violation[] {
  const { rules = [], to = [] } = spec
  return [
    ...checkTargets(spec),
    ...(rules.length > 0 && to.length > 0 ? violation('', "'to' must be empty when 'rules' is defined") : []),
    ...each(rules, 'rules', (rule, at) => checkConf(rule.default, `${at}.default`)),
    ...each(to, 'to', (item, at) => checkConf(item.default, `${at}.default`)),
  ]
}

function checkConf({ local }: RateLimitConf, at: string): Violation[] {
  if (local === undefined) return violation(`${at}.local`, 'must be defined')
  const { http, tcp } = local
  return [
    ...atLeastOne(`${at}.local`, local, 'tcp', 'http'),
    ...(http === undefined ? [] : atLeastOne(`${at}.local.http`, http, 'disabled', 'requestRate', 'onRateLimit')),
    ...checkRate(http?.requestRate, `${at}.local.http.requestRate`),
    ...aboveZero(`${at}.local.http.onRateLimit.status`, http?.onRateLimit?.status),
    ...(tcp === undefined ? [] : atLeastOne(`${at}.local.tcp`, tcp, 'disabled', 'connectionRate')),
    ...checkRate(tcp?.connectionRate, `${at}.local.tcp.connectionRate`),
  ]
}

/** Envoy refills its buckets no faster. */
const SHORTEST_INTERVAL = '50ms'

function checkRate(rate: Rate | undefined, at: string): Violation[] {
  if (rate === undefined) return []
  return [...aboveZero(`${at}.num`, rate.num), ...durationAbove(`${at}.interval`, rate.interval, SHORTEST_INTERVAL)]
}
