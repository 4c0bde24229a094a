import Type, { type Static } from 'typebox'
import { durationSchema } from '../duration.ts'
import { defineKind, type ResourceOf, type Violation } from '../kind.ts'
import { closed, intOrString, nonEmpty, numberOf, oneOf } from '../schema.ts'
import { topTargetRef, toTargetRef } from '../target-ref.ts'

const failoverRule = closed({
  /** The rule is for callers in these zones; absent = all. */
  from: Type.Optional(closed({ zones: Type.Array(nonEmpty, { minItems: 1 }) })),
  to: closed({ type: oneOf('None', 'Only', 'Any', 'AnyExcept'), zones: Type.Optional(Type.Array(nonEmpty)) }),
})

const localityAwareness = closed({
  disabled: Type.Optional(Type.Boolean()),
  localZone: Type.Optional(
    closed({ affinityTags: Type.Optional(Type.Array(closed({ key: nonEmpty, weight: Type.Optional(Type.Integer({ minimum: 1 })) }))) }),
  ),
  crossZone: Type.Optional(
    closed({
      failover: Type.Optional(Type.Array(failoverRule)),
      failoverThreshold: Type.Optional(closed({ percentage: intOrString })),
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
  hashPolicies: Type.Optional(Type.Array(hashPolicy)),
})

const spec = closed({
  targetRef: Type.Optional(topTargetRef),
  to: Type.Array(closed({ targetRef: toTargetRef, default: conf }), { minItems: 1 }),
})

/** Which instance a caller's proxy picks: in its own zone first, in which other zones when, and how among equals. */
export const meshLoadBalancingStrategyKind = defineKind({
  kind: 'MeshLoadBalancingStrategy',
  short: 'mlbs',
  path: 'meshloadbalancingstrategies',
  scope: 'mesh',
  shape: 'spec',
  sync: 'both',
  naming: 'rfc1123',
  spec,
  check,
  policy: { order: 400, to: true, rules: false },
  columns: [
    { title: 'TARGET', value: policy => policy.spec.targetRef?.kind ?? 'Mesh' },
    { title: 'TO', value: policy => policy.spec.to.map(item => item.targetRef.kind).join(',') },
  ],
})
export type MeshLoadBalancingStrategy = ResourceOf<typeof meshLoadBalancingStrategyKind>
export type MeshLoadBalancingStrategySpec = MeshLoadBalancingStrategy['spec']
export type LoadBalancingConf = Static<typeof conf>
export type LocalityAwareness = Static<typeof localityAwareness>
export type FailoverRule = Static<typeof failoverRule>
export type LoadBalancer = Static<typeof loadBalancer>
export type HashPolicy = Static<typeof hashPolicy>

function check({ to }: Static<typeof spec>): Violation[] {
  return to.flatMap((item, index) => checkConf(item.targetRef.kind, item.default, `to[${index}].default`))
}

function checkConf(kind: string, { localityAwareness, loadBalancer }: LoadBalancingConf, at: string): Violation[] {
  const violations: Violation[] = []
  if (kind === 'MeshHTTPRoute' && (localityAwareness !== undefined || loadBalancer !== undefined)) {
    violations.push({ field: at, reason: 'only hashPolicies can be set for a MeshHTTPRoute' })
  }
  const crossZone = localityAwareness?.crossZone
  const field = `${at}.localityAwareness`
  if (crossZone !== undefined && kind === 'MeshService') {
    violations.push({
      field: `${field}.crossZone`,
      reason: 'must not be set: a MeshService is of one zone; use a MeshMultiZoneService to fail over',
    })
  }
  crossZone?.failover?.forEach(({ to }, index) => {
    const zones = to.zones?.length ?? 0
    const listed = to.type === 'Only' || to.type === 'AnyExcept'
    if (listed && zones === 0)
      violations.push({ field: `${field}.crossZone.failover[${index}].to.zones`, reason: `must not be empty when type is ${to.type}` })
    if (!listed && zones > 0)
      violations.push({ field: `${field}.crossZone.failover[${index}].to.zones`, reason: `must be empty when type is ${to.type}` })
  })
  const threshold = crossZone?.failoverThreshold?.percentage
  if (threshold !== undefined && !(numberOf(threshold) > 0 && numberOf(threshold) <= 100)) {
    violations.push({ field: `${field}.crossZone.failoverThreshold.percentage`, reason: 'must be more than 0 and at most 100' })
  }
  const tags = localityAwareness?.localZone?.affinityTags ?? []
  if (tags.some(tag => tag.weight !== undefined) && tags.some(tag => tag.weight === undefined)) {
    violations.push({ field: `${field}.localZone.affinityTags`, reason: 'all or none of the affinity tags must have a weight' })
  }
  return violations
}
