import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { typeUrls } from '../envoy/resources.ts'
import { makeCsr } from '../identity/csr.ts'
import { makeKeyPair } from '../identity/keys.ts'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { MeshService } from '../model/kinds/mesh-service.ts'
import type { ServiceCapacity } from '../model/kinds/service-capacity.ts'
import type { ResourceDraft } from '../model/resource.ts'
import type { EndpointSet } from '../policy/plan.ts'
import { inspectDataplane } from './inspect.ts'
import { aDataplane, aDraft, aZone, gatewayClaims, type TestAgent, type TestZone, turns, until, zoneIngress } from './testing.ts'

const plainId = 'spiffe://default.east.mesh.local/workload/plain'
const listener = 'agentless_plain_main'

function aTask(name: string, over: { workload?: string; address?: string; state?: 'Ready' | 'NotReady' } = {}): ResourceDraft {
  const { workload = 'plain', address = '10.1.0.1', state = 'Ready' } = over
  const networking = { address, inbound: [{ name: 'main', port: 8080, protocol: 'http', state }] }
  const labels = { 'kuma.io/workload': workload, 'skerry.io/proxy': 'none' }
  return { kind: 'Dataplane', mesh: 'default', name, labels, spec: { networking } as never }
}

function aGateway(zone: TestZone, name = 'gateway-1', address = '10.0.0.9'): Promise<TestAgent> {
  const networking = { ...zoneIngress, address, listeners: [{ ...zoneIngress.listeners[0], address }] }
  return zone.agent({ dataplane: aDataplane(name, { workload: 'gateway', networking }) })
}

/** It has its own certificate, and listens on these besides its port. */
async function serving(gateway: TestAgent, ...listeners: string[]): Promise<void> {
  gateway.askForCertificate()
  await gateway.next('certificate')
  gateway.bound('zone_ingress_ingress', ...listeners)
}

function reasonOf(zone: TestZone, name: string): string {
  return zone.readiness.of(zone.get<Dataplane>('Dataplane', name)!).inbounds.get('main')!.reason
}

function warningsOf(zone: TestZone, name: string): string {
  const { warnings } = inspectDataplane(zone, 'default', name) as { warnings: { resource: string; reason: string }[] }
  return warnings.map(({ reason }) => reason).join('\n')
}

function ask(gateway: TestAgent, spiffeId: string) {
  gateway.send({ case: 'certificateRequest', value: { csr: makeCsr(makeKeyPair()), spiffeId } })
}

/** What callers of the zone have for the service. */
function callersEndpoints(zone: TestZone): EndpointSet {
  const locality = { ignoreZones: false, affinity: [], failover: null, overprovisioning: 140, exact: false }
  return zone.reconciler.endpoints('default', { key: 'callers', service: 'MeshService/plain', section: 'main', scope: 'all', locality })
}

test('a workload without a proxy is published when a zone gateway has opened its listener, and withdrawn when none has', async () => {
  await using zone = await aZone()
  await zone.put(aTask('task-1'))
  assert.match(reasonOf(zone, 'task-1'), /zone east has no zone gateway/)
  const outbound = [{ port: 9000, backendRef: { kind: 'MeshService', name: 'plain' } }]
  await until(() => zone.get('MeshService', 'plain') !== undefined)
  await zone.put(aDraft('caller', { workload: 'caller', networking: { address: '10.0.0.2', inbound: [{ port: 8080 }], outbound } }))
  assert.match(
    warningsOf(zone, 'caller'),
    /instances that have no proxy are not called: .* start one with skerry proxy run --role zone-gateway/,
  )
  assert.match(warningsOf(zone, 'task-1'), /zone east has no zone gateway/)

  const gateway = await aGateway(zone)
  const ads = await zone.proxy({ name: 'gateway-1', claims: gatewayClaims })
  await gateway.next('registered')
  await serving(gateway)
  await until(() => ads.held(typeUrls.listener).includes(listener))
  assert.equal(zone.proxyState('task-1'), 'not-ready')
  assert.match(reasonOf(zone, 'task-1'), /no zone gateway of zone east \(gateway-1\) answers for it/)
  assert.deepEqual(callersEndpoints(zone).groups, [])

  gateway.bound('zone_ingress_ingress', listener)
  await until(() => zone.proxyState('task-1') === 'ready')
  await until(() => zone.get<MeshService>('MeshService', 'plain')?.spec.state === 'Available')
  const [group] = callersEndpoints(zone).groups
  assert.deepEqual(
    group?.endpoints.map(({ address, port, name, weight }) => [address, port, name, weight]),
    [['10.0.0.9', 10001, 'gateway-1', 1]],
  )
  assert.equal(zone.get<ServiceCapacity>('ServiceCapacity', 'plain')?.spec.healthy, 1)
  assert.deepEqual(zone.get<MeshService>('MeshService', 'plain')?.spec.identities, [{ type: 'SpiffeID', value: plainId }])

  await gateway.breakOff()
  await until(() => zone.proxyState('task-1') === 'not-ready')
  assert.deepEqual(callersEndpoints(zone).groups, [])
  await ads.close()
})

test('a failure to open the listener is the reason that is given', async () => {
  await using zone = await aZone()
  await zone.put(aTask('task-1'))
  const gateway = await aGateway(zone)
  await gateway.next('registered')
  gateway.send({ case: 'bound', value: { listeners: [], failures: [{ listener, reason: 'no memory' }] } })
  await turns()

  assert.match(reasonOf(zone, 'task-1'), /gateway-1: no memory/)
})

test('only the gateways that answer for it are told to callers', async () => {
  await using zone = await aZone()
  await zone.put(aTask('task-1'), aTask('task-2', { address: '10.1.0.2' }), aTask('task-3', { state: 'NotReady' }))
  const first = await aGateway(zone)
  const ads = await zone.proxy({ name: 'gateway-1', claims: gatewayClaims })
  await first.next('registered')
  await serving(first, listener)
  const second = await aGateway(zone, 'gateway-2', '10.0.0.10')
  await second.next('registered')
  await serving(second)
  await until(() => zone.get<MeshService>('MeshService', 'plain')?.spec.state === 'Available')
  const shown = () => callersEndpoints(zone).groups.flatMap(group => group.endpoints.map(({ name, weight }) => `${name} ${weight}`))

  assert.deepEqual(shown(), ['gateway-1 2'])
  second.bound('zone_ingress_ingress', listener)
  await until(() => shown().length === 2)
  assert.deepEqual(shown(), ['gateway-1 2', 'gateway-2 2'])
  first.drain()
  await until(() => shown().length === 1)
  assert.deepEqual(shown(), ['gateway-2 2'])
  await ads.close()
})

test('a zone gateway gets the certificate of a workload without a proxy', async () => {
  await using zone = await aZone()
  await zone.put(aTask('task-1'))
  const gateway = await aGateway(zone)
  await gateway.next('registered')

  ask(gateway, plainId)

  const { chainPem, spiffeId } = await gateway.next('certificate')
  assert.equal(spiffeId, plainId)
  assert.equal(new X509Certificate(chainPem).subjectAltName, `URI:${plainId}`)
  assert.equal(zone.factsOf('gateway-1')?.workloadRoots?.size, 1)
  // Its own is another matter.
  assert.equal(zone.factsOf('gateway-1')?.certificate, null)
})

test('nobody gets the certificate of another but a zone gateway, and it of nobody that has a proxy', async () => {
  await using zone = await aZone()
  await zone.put(aTask('task-1'))
  const check = async (agent: TestAgent, spiffeId: string, code: string) => {
    agent.received.length = 0
    ask(agent, spiffeId)
    const refused = await agent.next('certificateRefused')
    assert.deepEqual([refused.spiffeId, refused.code], [spiffeId, code])
    assert.equal(agent.status, null)
  }
  const sidecar = await zone.agent({})
  await sidecar.next('registered')
  await check(sidecar, plainId, 'SKERRY_IDENTITY_NOT_YOURS')
  // Neither when somebody made a gateway of it afterwards: its token says that it is none.
  await zone.put(aDraft('web-1', { networking: zoneIngress }))
  await check(sidecar, plainId, 'SKERRY_IDENTITY_NOT_YOURS')
  await zone.put(aDraft('web-1'))
  const gateway = await aGateway(zone)
  await gateway.next('registered')
  // web-1 has a proxy.
  await check(gateway, 'spiffe://default.east.mesh.local/workload/web', 'SKERRY_WORKLOAD_UNKNOWN')
  await check(gateway, 'spiffe://default.west.mesh.local/workload/plain', 'SKERRY_WORKLOAD_UNKNOWN')

  await zone.remove('Dataplane', 'task-1')
  await check(gateway, plainId, 'SKERRY_WORKLOAD_UNKNOWN')
})

test('an instance that comes or changes costs its zone gateway endpoints and nothing else', async () => {
  await using zone = await aZone()
  await zone.put(aTask('task-1'))
  const gateway = await aGateway(zone)
  const ads = await zone.proxy({ name: 'gateway-1', claims: gatewayClaims })
  const sidecar = await zone.agent({})
  const other = await zone.proxy({ name: 'web-1' })
  await Promise.all([gateway.next('registered'), sidecar.next('registered')])
  await serving(gateway, listener)
  await until(() => ads.held(typeUrls.listener).includes(listener) && ads.held(typeUrls.endpoints).includes(listener))
  await until(() => zone.get<MeshService>('MeshService', 'plain')?.spec.state === 'Available')
  await turns()
  ads.updates.length = 0
  other.updates.length = 0

  await zone.put(aTask('task-2', { address: '10.1.0.2' }), aTask('task-1', { address: '10.1.0.9' }))
  await until(() => ads.updates.some(update => update.added.some(({ name }) => name === listener)))
  await turns()

  assert.deepEqual([...new Set(ads.updates.map(update => update.typeUrl))], [typeUrls.endpoints])
  assert.deepEqual(other.updates, [])
  await Promise.all([ads.close(), other.close()])
})

test('a thousand workloads without a proxy are a listener each, and one that changes is one that is sent', async () => {
  await using zone = await aZone()
  await zone.put(...Array.from({ length: 1000 }, (_, i) => aTask(`task-${i}`, { workload: `plain-${i}`, address: '10.1.0.1' })))
  const gateway = await aGateway(zone)
  const ads = await zone.proxy({ name: 'gateway-1', claims: gatewayClaims })
  await gateway.next('registered')
  await until(() => ads.held(typeUrls.listener).length === 1001)
  await turns()
  ads.updates.length = 0

  await zone.put({
    kind: 'MeshTimeout',
    mesh: 'default',
    name: 'of-one',
    labels: {},
    spec: {
      targetRef: { kind: 'Dataplane', labels: { 'kuma.io/workload': 'plain-7' } },
      rules: [{ default: { http: { requestTimeout: '3s' } } }],
    },
  } as ResourceDraft)
  await until(() => ads.updates.some(update => update.typeUrl === typeUrls.listener))
  await turns()

  const sent = ads.updates.filter(update => update.typeUrl === typeUrls.listener).flatMap(update => update.added.map(({ name }) => name))
  assert.deepEqual(sent, ['agentless_plain-7_main'])
  await ads.close()
})
