import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  availability,
  countProxies,
  externalServiceStatus,
  membersOf,
  meshServiceStatus,
  multiZoneServiceStatus,
  namingStatus,
} from './status.ts'
import { aDataplane, aMultiZoneService, aService } from './test-support.ts'

const service = aService('web', {
  selector: { dataplaneLabels: { matchLabels: { 'kuma.io/workload': 'web' } } },
  ports: [
    { port: 80, targetPort: 'main' },
    { port: 81, targetPort: 'admin' },
  ],
})
const inbound = [
  { port: 8080, name: 'main' },
  { port: 8081, name: 'admin' },
]

test('an instance is healthy when every port of the service is', () => {
  const dataplanes = [
    aDataplane('web-1', { inbound }),
    aDataplane('web-2', { inbound }),
    aDataplane('web-3', { inbound }),
    aDataplane('other', { labels: {}, inbound }),
  ]
  const counts = countProxies(service, dataplanes, {
    isConnected: it => it.name !== 'web-3',
    isReady: (it, name) => it.name === 'web-1' || (it.name === 'web-2' && name === 'main'),
  })

  assert.deepEqual(counts, { connected: 2, healthy: 1, total: 3 })
  assert.equal(availability(counts), 'Available')
  assert.equal(availability({ ...counts, healthy: 0 }), 'Unavailable')
})

test('a Dataplane without a port of the service is not healthy', () => {
  const counts = countProxies(service, [aDataplane('web-1')], { isConnected: () => true, isReady: () => true })

  assert.deepEqual(counts, { connected: 1, healthy: 0, total: 1 })
})

test('a status says under which names and with how many instances', () => {
  const withIdentity = { ...service, spec: { ...service.spec, identities: [{ type: 'SpiffeID' as const, value: 'spiffe://a/b' }] } }

  const hostnames = { addresses: [{ hostname: 'web.svc.mesh.local', origin: 'HostnameGenerator' }], hostnameGenerators: [] }
  const naming = namingStatus({ hostnames, vip: { kind: 'assigned', ip: '241.0.0.1' } })
  assert.deepEqual(meshServiceStatus(withIdentity, { connected: 2, healthy: 1, total: 3 }, naming), {
    ...hostnames,
    vips: [{ ip: '241.0.0.1' }],
    tls: { status: 'Ready' },
    dataplaneProxies: { connected: 2, healthy: 1, total: 3 },
  })
})

test('a multi-zone service lists its members by zone', () => {
  const everywhere = aMultiZoneService('pay')
  const members = membersOf(everywhere, [
    aService('pay', { zone: 'west' }),
    aService('other', { zone: 'east' }),
    aService('pay', { zone: 'east' }),
  ])

  assert.deepEqual(multiZoneServiceStatus(members, namingStatus(null)).meshServices, [
    { name: 'pay', zone: 'east', mesh: 'default' },
    { name: 'pay', zone: 'west', mesh: 'default' },
  ])
})

test('a service without an address says why, and is known by its names all the same', () => {
  const hostnames = { addresses: [{ hostname: 'web.mesh' }], hostnameGenerators: [] }
  const naming = { hostnames, vip: { kind: 'exhausted', reason: 'no address is free' } } as const
  const conditions = [{ type: 'VipAssigned', status: 'False', reason: 'RangeExhausted', message: 'no address is free' }]

  assert.deepEqual(namingStatus(naming), { ...hostnames, conditions })
  assert.deepEqual(externalServiceStatus(naming), { ...hostnames, vip: {}, conditions })
})
