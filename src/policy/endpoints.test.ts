import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Resource } from '../model/resource.ts'
import { defaultLocality } from './defaults.ts'
import { endpointSetRef, type InstanceState, planEndpoints } from './endpoints.ts'
import type { FailoverRule, LocalityPlan } from './plan.ts'
import { aMultiZoneService, anAcknowledgement, anInstance, aRemoteZone, aResource, aService, aView } from './testing.ts'

const allReady: InstanceState = () => 'ready'

function ranks(locality: Partial<LocalityPlan>, stateOf: InstanceState = allReady, dead: readonly string[] = []) {
  const view = aView(
    'azure-1',
    anInstance('payments-1', 'payments'),
    aService('payments', 'azure-1'),
    aService('payments', 'aws-1', { storedName: 'payments-x1' }),
    aService('payments', 'gcp-1', { storedName: 'payments-x2' }),
    aMultiZoneService('payments'),
    ...aRemoteZone('aws-1', 1),
    ...aRemoteZone('gcp-1', 2),
  )
  const ref = endpointSetRef('MeshMultiZoneService/payments', 'http', 'all', { ...defaultLocality, ...locality })
  const doubt = (zone: string) => (dead.includes(zone) ? 'silent' : null)
  return planEndpoints(view, ref, stateOf, doubt).groups.map(group => [group.zone, group.priority])
}

test('without a policy the caller’s own zone comes first and all others after it', () => {
  assert.deepEqual(ranks({}), [
    ['azure-1', 0],
    ['aws-1', 1],
    ['gcp-1', 1],
  ])
})

test('failover rules rank other zones by the first rule that admits them, and leave out the rest', () => {
  assert.deepEqual(ranks({ failover: [{ index: 0, type: 'Only', zones: ['gcp-1'] }] }), [
    ['azure-1', 0],
    ['gcp-1', 1],
  ])
  assert.deepEqual(
    ranks({
      failover: [
        { index: 0, type: 'Only', zones: ['gcp-1'] },
        { index: 0, type: 'Any', zones: [] },
      ],
    }),
    [
      ['azure-1', 0],
      ['gcp-1', 1],
      ['aws-1', 2],
    ],
  )
})

test('None admits nothing and does not stop a later rule', () => {
  assert.deepEqual(
    ranks({
      failover: [
        { index: 0, type: 'None', zones: [] },
        { index: 0, type: 'AnyExcept', zones: ['gcp-1'] },
      ],
    }),
    [
      ['azure-1', 0],
      ['aws-1', 1],
    ],
  )
})

test('a rule that names the caller’s own zone ranks it there, so another zone can be preferred', () => {
  assert.deepEqual(
    ranks({
      failover: [
        { index: 0, type: 'Only', zones: ['aws-1'] },
        { index: 0, type: 'Only', zones: ['azure-1'] },
      ],
    }),
    [
      ['aws-1', 0],
      ['azure-1', 1],
    ],
  )
})

test('priorities have no gaps when a zone has nothing to offer', () => {
  const nobodyHere: InstanceState = () => 'not-ready'
  assert.deepEqual(ranks({}, nobodyHere), [
    ['aws-1', 0],
    ['gcp-1', 0],
  ])
})

test('a zone that seems dead comes last, whatever the rules, and is not removed', () => {
  assert.deepEqual(
    ranks(
      {
        failover: [
          { type: 'Only', zones: ['gcp-1'], index: 0 },
          { type: 'Any', zones: [], index: 1 },
        ],
      },
      allReady,
      ['gcp-1'],
    ),
    [
      ['azure-1', 0],
      ['aws-1', 1],
      ['gcp-1', 2],
    ],
  )
  assert.deepEqual(ranks({ ignoreZones: true }, allReady, ['aws-1']), [
    ['azure-1', 0],
    ['gcp-1', 0],
    ['aws-1', 1],
  ])
  assert.deepEqual(
    ranks({}, () => 'not-ready', ['aws-1', 'gcp-1']),
    [
      ['aws-1', 0],
      ['gcp-1', 0],
    ],
    'when all others seem dead they are all that there is',
  )
  assert.deepEqual(ranks({ failover: [{ type: 'Only', zones: ['aws-1'], index: 0 }] }, allReady, ['gcp-1']), [
    ['azure-1', 0],
    ['aws-1', 1],
  ])
})

const remoteRef = endpointSetRef('MeshService/payments-x1', 'http', 'all', defaultLocality)
const remoteService = aService('payments', 'aws-1', { storedName: 'payments-x1' })

test('a zone whose service is unavailable or that has no gateway is not used', () => {
  const [address, trust, acknowledgement] = aRemoteZone('aws-1') as [Resource, Resource, Resource]
  const groups = (...resources: Resource[]) => planEndpoints(aView('azure-1', ...resources), remoteRef, allReady).groups.length

  assert.equal(groups(remoteService, address, trust, acknowledgement), 1)
  assert.equal(groups(remoteService, trust, acknowledgement), 0)
  const unavailable = aService('payments', 'aws-1', { storedName: 'payments-x1', state: 'Unavailable' })
  assert.equal(groups(unavailable, address, trust, acknowledgement), 0)
})

test('a zone is used when the proxies of both zones have acknowledged each other’s bundles, and not before', () => {
  const [address, trust] = aRemoteZone('aws-1') as [Resource, Resource, Resource]
  const zones = ['azure-1', 'aws-1']
  fc.assert(
    fc.property(fc.option(fc.subarray(zones)), fc.option(fc.subarray(zones)), (ofCaller, ofCallee) => {
      const own = anAcknowledgement('azure-1', ofCaller ?? [])
      const theirs = ofCallee ? [anAcknowledgement('aws-1', ofCallee)] : []
      const view = aView('azure-1', remoteService, address, trust, own, ...theirs)
      const isMutual = Boolean(ofCaller?.includes('aws-1') && ofCallee?.includes('azure-1'))
      assert.equal(planEndpoints(view, remoteRef, allReady).groups.length, isMutual ? 1 : 0)
    }),
  )
})

test('another zone counts by its healthy instances', () => {
  const capacity = aResource('ServiceCapacity', 'payments-c', { service: 'payments', healthy: 7, total: 9, weight: 7 } as never, {
    'kuma.io/zone': 'aws-1',
  })
  const view = aView('azure-1', aService('payments', 'aws-1', { storedName: 'payments-x1' }), capacity, ...aRemoteZone('aws-1'))
  const ref = endpointSetRef('MeshService/payments-x1', 'http', 'all', defaultLocality)
  assert.equal(planEndpoints(view, ref, allReady).groups[0]!.weight, 7)
})

test('an instance that drains is still listed, one that is not ready is not', () => {
  const view = aView('azure-1', anInstance('a', 'payments'), anInstance('b', 'payments', { port: 8081 }), aService('payments', 'azure-1'))
  const ref = endpointSetRef('MeshService/payments', 'http', 'local', defaultLocality)
  const [group] = planEndpoints(view, ref, dataplane => (dataplane.name === 'a' ? 'draining' : 'not-ready')).groups
  assert.deepEqual(
    group!.endpoints.map(endpoint => [endpoint.name, endpoint.state]),
    [['a', 'draining']],
  )
})

const zones = ['azure-1', 'aws-1', 'gcp-1', 'on-prem']
const rule = fc.record({
  index: fc.nat(3),
  type: fc.constantFrom<FailoverRule['type']>('Any', 'None', 'Only', 'AnyExcept'),
  zones: fc.uniqueArray(fc.constantFrom(...zones), { maxLength: 3 }),
})
const locality = fc.record({
  ignoreZones: fc.boolean(),
  affinity: fc.constantFrom<LocalityPlan['affinity']>([], [{ key: 'rack', value: 'r1', weight: 90 }]),
  failover: fc.option(fc.array(rule, { maxLength: 4 })),
  overprovisioning: fc.constant(140),
  exact: fc.constant(false),
})

/** Does any rule let callers of azure-1 go to this zone? Written from what the policy's documentation says, not from the code. */
function isAdmitted(zone: string, { ignoreZones, failover }: LocalityPlan): boolean {
  if (ignoreZones || failover === null || zone === 'azure-1') return true
  return failover.some(
    ({ type, zones }) => type === 'Any' || (type === 'Only' && zones.includes(zone)) || (type === 'AnyExcept' && !zones.includes(zone)),
  )
}

test('whatever the rules: priorities start at 0 without gaps, each admitted zone stands in exactly one, and nobody else', () => {
  fc.assert(
    fc.property(
      locality,
      fc.subarray(zones),
      fc.array(fc.constantFrom('ready', 'draining', 'not-ready'), { minLength: 3, maxLength: 3 }),
      (plan, present, states) => {
        const remote = present.filter(zone => zone !== 'azure-1')
        const instances = present.includes('azure-1')
          ? states.map((_, index) => anInstance(`p-${index}`, 'payments', { port: 8080 + index, labels: { rack: `r${index % 2}` } }))
          : []
        const view = aView(
          'azure-1',
          ...instances,
          aService('payments', 'azure-1'),
          aMultiZoneService('payments'),
          ...remote.flatMap((zone, index) => [
            aService('payments', zone, { storedName: `payments-${zone}` }),
            ...aRemoteZone(zone, index + 1),
          ]),
        )
        const stateOf: InstanceState = dataplane => states[Number(dataplane.name.slice(2))] as ReturnType<InstanceState>

        const { groups } = planEndpoints(view, endpointSetRef('MeshMultiZoneService/payments', 'http', 'all', plan), stateOf)

        const used = [...new Set(groups.map(group => group.priority))]
        assert.deepEqual(used, [...used.keys()])
        const priorityOf = Map.groupBy(groups, group => group.zone)
        for (const [zone, ofZone] of priorityOf) {
          assert.equal(new Set(ofZone.map(group => group.priority)).size, 1, `${zone} stands in one priority`)
          assert.equal(new Set(ofZone.map(group => group.subZone)).size, ofZone.length, `no part of ${zone} stands twice`)
        }
        const isLocalThere = instances.length > 0 && states.some(state => state !== 'not-ready')
        const expected = [...remote, ...(isLocalThere ? ['azure-1'] : [])].filter(zone => isAdmitted(zone, plan))
        assert.deepEqual([...priorityOf.keys()].sort(), expected.sort())
        const names = groups.filter(group => group.zone === 'azure-1').flatMap(group => group.endpoints.map(endpoint => endpoint.name))
        assert.deepEqual(
          names.toSorted(),
          instances.map(it => it.name).filter((_, index) => states[index] !== 'not-ready'),
        )
        for (const group of groups) assert.ok(group.weight > 0)
      },
    ),
  )
})
