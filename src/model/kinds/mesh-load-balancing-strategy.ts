import Type, { type Static } from 'typebox'
import { checkTargets } from '../check-targets.ts'
import { durationSchema } from '../duration.ts'
import type { ResourceOf, Violation } from '../kind.ts'
import { definePolicy, toItems } from '../policy-kind.ts'
import { aboveZero, each, percentAboveZero, unwanted, violation } from '../rules.ts'
import { closed, defaulting, type IntOrString, intOrString, nonEmpty, numberOf, oneOf } from '../schema.ts'
import { topTargetRef } from '../target-ref.ts'

const failoverRule = closed({
  from: Type.Optional(
    closed({ zones: Type.Array(Type.String()) }, { description: 'The rule is for callers in these zones; absent = in all.' }),
  ),
  to: closed({ type: oneOf('None', 'Only', 'Any', 'AnyExcept'), zones: Type.Optional(Type.Array(nonEmpty)) }),
})

const localityAwareness = closed({
  disabled: Type.Optional(Type.Boolean({ description: 'true: instances of all zones are the same to callers.' })),
  localZone: Type.Optional(
    closed({
      affinityTags: Type.Optional(Type.Array(closed({ key: Type.String(), weight: Type.Optional(Type.Integer({ minimum: 0 })) }))),
    }),
  ),
  crossZone: Type.Optional(
    closed({
      failover: Type.Optional(
        Type.Array(failoverRule, { description: 'Other zones, in this order; the first rule that takes a zone counts.' }),
      ),
      failoverThreshold: Type.Optional(
        closed(
          { percentage: intOrString },
          { description: 'Below so many per cent of healthy instances, requests go on to the next zones.' },
        ),
      ),
    }),
  ),
})

const hashPolicy = Type.Union([
  closed({ type: Type.Literal('Header'), terminal: Type.Optional(Type.Boolean()), header: closed({ name: nonEmpty }) }),
  closed({
    type: Type.Literal('Cookie'),
    terminal: Type.Optional(Type.Boolean()),
    cookie: closed({ name: nonEmpty, ttl: Type.Optional(durationSchema), path: Type.Optional(Type.String()) }),
  }),
  closed({
    type: Type.Literal('Connection'),
    terminal: Type.Optional(Type.Boolean()),
    connection: Type.Optional(closed({ sourceIP: Type.Optional(Type.Boolean()) })),
  }),
  closed({ type: Type.Literal('QueryParameter'), terminal: Type.Optional(Type.Boolean()), queryParameter: closed({ name: nonEmpty }) }),
  closed({ type: Type.Literal('FilterState'), terminal: Type.Optional(Type.Boolean()), filterState: closed({ key: nonEmpty }) }),
])

const ringSize = Type.Optional(Type.Integer({ minimum: 1, maximum: 8_000_000 }))

const loadBalancer = Type.Union([
  closed({ type: Type.Literal('RoundRobin'), roundRobin: Type.Optional(closed({})) }),
  closed({
    type: Type.Literal('LeastRequest'),
    leastRequest: Type.Optional(
      closed({ choiceCount: Type.Optional(Type.Integer({ minimum: 2 })), activeRequestBias: Type.Optional(intOrString) }),
    ),
  }),
  closed({
    type: Type.Literal('RingHash'),
    ringHash: Type.Optional(
      closed({ hashFunction: Type.Optional(oneOf('XXHash', 'MurmurHash2')), minRingSize: ringSize, maxRingSize: ringSize }),
    ),
  }),
  closed({ type: Type.Literal('Random'), random: Type.Optional(closed({})) }),
  closed({
    type: Type.Literal('Maglev'),
    maglev: Type.Optional(closed({ tableSize: Type.Optional(Type.Integer({ minimum: 1, maximum: 5_000_011 })) })),
  }),
])

const conf = closed({
  localityAwareness: Type.Optional(localityAwareness),
  loadBalancer: Type.Optional(loadBalancer),
  hashPolicies: Type.Optional(
    Type.Array(hashPolicy, {
      description: 'With RingHash and Maglev: what requests of one caller are known by; the first that applies counts.',
    }),
  ),
})

const spec = closed({ targetRef: Type.Optional(topTargetRef), to: defaulting(toItems(conf), []) })

/** Which instance a caller's proxy picks: in its own zone first, in which other zones when, and how among equals. */
export const meshLoadBalancingStrategyKind = definePolicy({
  kind: 'MeshLoadBalancingStrategy',
  short: 'mlbs',
  path: 'meshloadbalancingstrategies',
  description: "Which instance a caller's proxy picks: in its own zone first, in which other zones when, and how among equals.",
  example: {
    name: 'backend-failover',
    spec: {
      to: [
        {
          targetRef: { kind: 'MeshMultiZoneService', labels: { 'kuma.io/display-name': 'backend' } },
          default: {
            localityAwareness: { crossZone: { failover: [{ to: { type: 'Any' } }], failoverThreshold: { percentage: 70 } } },
            loadBalancer: { type: 'LeastRequest', leastRequest: { choiceCount: 4 } },
          },
        },
      ],
    },
  },
  spec,
  check,
  order: 400,
})
export type MeshLoadBalancingStrategy = ResourceOf<typeof meshLoadBalancingStrategyKind>
export type MeshLoadBalancingStrategySpec = Static<typeof spec>
export type LoadBalancingConf = Static<typeof conf>
export type LocalityAwareness = Static<typeof localityAwareness>
export type CrossZone = NonNullable<LocalityAwareness['crossZone']>
export type FailoverRule = Static<typeof failoverRule>
export type LoadBalancer = Static<typeof loadBalancer>
export type HashPolicy = Static<typeof hashPolicy>

function check(spec: MeshLoadBalancingStrategySpec): Violation[] {
  return [
    ...checkTargets(spec),
    ...each(spec.to, 'to', (item, at) =>
      item.targetRef.kind === 'MeshHTTPRoute'
        ? checkRouteConf(item.default, `${at}.default`)
        : checkConf(item.targetRef.kind, item.default, `${at}.default`),
    ),
  ]
}

/** Where a request goes is decided for a service; a route only adds what its requests are told apart by. */
function checkRouteConf({ loadBalancer, localityAwareness, hashPolicies }: LoadBalancingConf, at: string): Violation[] {
  return [
    ...each(hashPolicies, `${at}.hashPolicies`, checkHashPolicy),
    ...Object.entries({ loadBalancer, localityAwareness }).flatMap(([field, value]) =>
      value === undefined
        ? []
        : unwanted(`${at}.${field}`, 'field is not allowed when targetRef.kind is MeshHTTPRoute, only hashPolicies is supported'),
    ),
  ]
}

function checkConf(kind: string, { localityAwareness, hashPolicies, loadBalancer }: LoadBalancingConf, at: string): Violation[] {
  const { localZone, crossZone } = localityAwareness ?? {}
  const tags = localZone?.affinityTags ?? []
  const field = `${at}.localityAwareness`
  const weighted = tags.filter(tag => tag.weight !== undefined).length
  return [
    ...each(tags, `${field}.localZone.affinityTags`, ({ key, weight }, where) => [
      ...(key === '' ? violation(`${where}.key`, 'must not be empty') : []),
      ...aboveZero(`${where}.weight`, weight),
    ]),
    ...(weighted > 0 && weighted < tags.length
      ? violation(`${field}.localZone.affinityTags`, 'all or none affinity tags should have weight')
      : []),
    ...(crossZone === undefined ? [] : checkCrossZone(kind, crossZone, `${field}.crossZone`)),
    ...(loadBalancer?.type === 'LeastRequest'
      ? notNegative(loadBalancer.leastRequest?.activeRequestBias, `${at}.loadBalancer.leastRequest.activeRequestBias`)
      : []),
    ...(loadBalancer?.type === 'RingHash' ? checkRing(loadBalancer, `${at}.loadBalancer.ringHash`) : []),
    ...each(hashPolicies, `${at}.hashPolicies`, checkHashPolicy),
  ]
}

function checkCrossZone(kind: string, { failover, failoverThreshold }: CrossZone, at: string): Violation[] {
  if (kind !== 'MeshMultiZoneService') {
    const help = kind === 'MeshService' ? '; a MeshService is of one zone' : ''
    return unwanted(at, `crossZone is only supported when targetRef.kind is MeshMultiZoneService${help}`)
  }
  return [
    ...each(failover, `${at}.failover`, ({ from, to }, field) => [
      ...(from !== undefined && from.zones.length === 0 ? violation(`${field}.from.zones`, 'must not be empty') : []),
      ...each(from?.zones, `${field}.from.zones`, (zone, where) => (zone === '' ? violation(where, 'must not be empty') : [])),
      ...checkZones(to, `${field}.to.zones`),
    ]),
    ...percentAboveZero(`${at}.failoverThreshold.percentage`, failoverThreshold?.percentage),
  ]
}

function checkZones({ type, zones = [] }: FailoverRule['to'], field: string): Violation[] {
  const listed = type === 'Only' || type === 'AnyExcept'
  if (listed === zones.length > 0) return []
  return violation(field, `${listed ? 'must not be empty' : 'must be empty'} when type is ${type}`)
}

function notNegative(value: IntOrString | undefined, field: string): Violation[] {
  return value === undefined || numberOf(value) >= 0 ? [] : violation(field, 'must be greater or equal then: 0')
}

function checkRing({ ringHash }: Extract<LoadBalancer, { type: 'RingHash' }>, at: string): Violation[] {
  const { minRingSize, maxRingSize } = ringHash ?? {}
  if (minRingSize === undefined || maxRingSize === undefined || minRingSize <= maxRingSize) return []
  return violation(`${at}.minRingSize`, 'must not be greater than maxRingSize')
}

function checkHashPolicy(policy: HashPolicy, at: string): Violation[] {
  if (policy.type === 'Cookie' && policy.cookie.path !== undefined && !policy.cookie.path.startsWith('/'))
    return violation(`${at}.cookie.path`, 'must be an absolute path; begin it with /')
  if (policy.type === 'Connection' && policy.connection === undefined) return violation(`${at}.connection`, 'must be defined')
  return []
}
