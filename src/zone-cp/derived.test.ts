import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MeshMultiZoneService } from '../model/kinds/mesh-multi-zone-service.ts'
import type { MeshService } from '../model/kinds/mesh-service.ts'
import type { MeshZoneAddress } from '../model/kinds/mesh-zone-address.ts'
import type { ServiceCapacity } from '../model/kinds/service-capacity.ts'
import type { ResourceDraft } from '../model/resource.ts'
import { aDataplane, aDraft, aZone, type TestZone, until, zoneIngress } from './testing.ts'

function service(zone: TestZone, name: string): MeshService | undefined {
  return zone.get<MeshService>('MeshService', name)
}

function capacity(zone: TestZone, name: string): { healthy: number; total: number } | undefined {
  const spec = zone.get<ServiceCapacity>('ServiceCapacity', name)?.spec
  return spec && { healthy: spec.healthy, total: spec.total }
}

/** A MeshService that a user wrote: its selector is no workload's. */
function userWritten(name: string, matchLabels: Record<string, string>): ResourceDraft {
  const spec = { selector: { dataplaneLabels: { matchLabels } }, ports: [{ port: 80, targetPort: 'main', appProtocol: 'http' }] }
  return { kind: 'MeshService', mesh: 'default', name, labels: {}, spec }
}

test('a workload becomes a MeshService, available when an instance of it is ready and not before', async () => {
  await using zone = await aZone()
  const agent = await zone.agent({})
  await agent.next('registered')
  await zone.derived.settled()

  const { spec, status } = service(zone, 'web')!
  assert.equal(spec.state, 'Unavailable')
  assert.deepEqual(spec.ports, [{ name: 'main', port: 80, targetPort: 'main', appProtocol: 'http' }])
  assert.deepEqual(spec.identities, [{ type: 'SpiffeID', value: 'spiffe://default.east.mesh.local/workload/web' }])
  assert.deepEqual(status?.dataplaneProxies, { connected: 1, healthy: 0, total: 1 })
  assert.deepEqual(
    status?.addresses?.map(address => address.hostname),
    ['web.svc.mesh.local', 'web.mesh'],
  )

  agent.tellAll()
  await until(() => service(zone, 'web')?.spec.state === 'Available')
})

test('status and capacity follow what instances do', async () => {
  await using zone = await aZone()
  const agents = [await zone.agent({ dataplane: aDataplane('web-1') }), await zone.agent({ dataplane: aDataplane('web-2') })]
  for (const agent of agents) agent.tellAll()
  await until(() => capacity(zone, 'web')?.healthy === 2)
  assert.deepEqual(service(zone, 'web')?.status?.dataplaneProxies, { connected: 2, healthy: 2, total: 2 })

  agents[0]!.health(false)
  await until(() => capacity(zone, 'web')?.healthy === 1)
  await agents[1]!.breakOff()
  await zone.derived.settled()

  assert.deepEqual(capacity(zone, 'web'), { healthy: 0, total: 2 })
  assert.deepEqual(service(zone, 'web')?.status?.dataplaneProxies, { connected: 1, healthy: 0, total: 2 })
  assert.equal(service(zone, 'web')?.spec.state, 'Unavailable')
})

test('a workload without instances leaves its service unavailable; a service that is deleted takes its capacity along', async () => {
  await using zone = await aZone()
  await zone.put(aDraft('web-1'))
  await until(() => service(zone, 'web')?.spec.state === 'Available')

  await zone.remove('Dataplane', 'web-1')
  await until(() => service(zone, 'web')?.spec.state === 'Unavailable')
  assert.deepEqual(capacity(zone, 'web'), { healthy: 0, total: 0 })

  await zone.remove('MeshService', 'web')
  await zone.derived.settled()
  assert.equal(capacity(zone, 'web'), undefined)
  assert.equal(service(zone, 'web'), undefined)
})

test('what a user wrote under the name of a workload is left as it is, but for state and status', async () => {
  await using zone = await aZone()
  await zone.put(userWritten('web', { tier: 'front' }))
  await zone.put({ ...aDraft('web-1'), labels: { 'kuma.io/workload': 'web', tier: 'front' } })
  await until(() => service(zone, 'web')?.spec.state === 'Available')

  const { labels, spec } = service(zone, 'web')!
  assert.equal(labels['kuma.io/managed-by'], undefined)
  assert.deepEqual(spec.selector, { dataplaneLabels: { matchLabels: { tier: 'front' } } })
  assert.equal(spec.identities, undefined)
})

test('a service that selects by other labels than the workload follows its instances too', async () => {
  await using zone = await aZone()
  await zone.put(userWritten('front', { tier: 'front' }), userWritten('exact', { tier: 'front', colour: 'blue' }))
  const dataplane = { ...aDataplane('web-1'), labels: { 'kuma.io/workload': 'web', tier: 'front' } }
  const agent = await zone.agent({ dataplane })
  await agent.next('registered')
  assert.equal(service(zone, 'front')?.spec.state, 'Unavailable')

  agent.tellAll()
  await until(() => service(zone, 'front')?.spec.state === 'Available')
  assert.deepEqual(capacity(zone, 'front'), { healthy: 1, total: 1 })
  assert.deepEqual(capacity(zone, 'exact'), { healthy: 0, total: 0 })

  await agent.breakOff()
  await zone.derived.settled()
  assert.equal(service(zone, 'front')?.spec.state, 'Unavailable')
})

test('a service of another zone under the name of a workload is not written over', async () => {
  await using zone = await aZone()
  const labels = { 'kuma.io/display-name': 'web', 'kuma.io/zone': 'west', 'kuma.io/origin': 'global' }
  const remote: ResourceDraft = { kind: 'MeshService', mesh: 'default', name: 'web', labels, spec: { ports: [{ port: 1 }] } }
  await zone.registry.commit([{ kind: 'put', draft: remote }])

  await zone.put(aDraft('web-1'))
  await zone.derived.settled()

  assert.deepEqual(service(zone, 'web')?.spec, { ports: [{ port: 1 }] })
})

test('when someone else writes in between, everything that the pass meant to write is written all the same', async () => {
  await using zone = await aZone()
  await zone.put(userWritten('front', { tier: 'front' }))
  await zone.derived.settled()
  const commit = zone.registry.commit.bind(zone.registry)
  let isInterfering = true
  zone.registry.commit = async changes => {
    if (isInterfering && changes.some(change => change.kind === 'put' && change.draft.kind === 'MeshService')) {
      isInterfering = false
      await zone.put({ ...userWritten('front', { tier: 'front' }), labels: { touched: 'yes' } })
    }
    return commit(changes)
  }

  await zone.put({ ...aDraft('web-1'), labels: { 'kuma.io/workload': 'web', tier: 'front' } })
  await until(() => service(zone, 'web')?.spec.state === 'Available' && service(zone, 'front')?.spec.state === 'Available')

  assert.equal(service(zone, 'front')?.labels.touched, 'yes')
})

test('what a failing store did not take is written with the next change', async () => {
  await using zone = await aZone()
  const commit = zone.registry.commit.bind(zone.registry)
  zone.registry.commit = changes =>
    changes.some(change => change.kind === 'put' && change.draft.kind === 'MeshService')
      ? Promise.reject(new Error('the disk is full'))
      : commit(changes)
  await zone.put(aDraft('web-1'))
  await zone.derived.settled()
  assert.equal(service(zone, 'web'), undefined)

  zone.registry.commit = commit
  await zone.put(aDraft('other-1', { workload: 'other' }))
  await zone.derived.settled()

  assert.ok(service(zone, 'web'))
  assert.ok(service(zone, 'other'))
})

test('a multi-zone service lists its members, also when it goes by another name than they', async () => {
  await using zone = await aZone()
  const selector = { meshService: { matchLabels: { 'kuma.io/display-name': 'web' } } }
  await zone.put({ kind: 'MeshMultiZoneService', mesh: 'default', name: 'all-web', labels: {}, spec: { selector, ports: [{ port: 80 }] } })

  await zone.put(aDraft('web-1'))
  await until(() => zone.get<MeshMultiZoneService>('MeshMultiZoneService', 'all-web')?.status?.meshServices?.length === 1)

  const { status } = zone.get<MeshMultiZoneService>('MeshMultiZoneService', 'all-web')!
  assert.deepEqual(status?.meshServices, [{ name: 'web', zone: 'east', mesh: 'default' }])
  assert.deepEqual(
    status?.addresses?.map(address => address.hostname),
    ['all-web.mzsvc.mesh.local', 'all-web.mesh'],
  )
})

test('the short host name goes to the multi-zone service that comes later, and comes back when it goes', async () => {
  await using zone = await aZone()
  const hostnames = () =>
    service(zone, 'web')
      ?.status?.addresses?.map(address => address.hostname)
      .join(' ')
  await zone.put(aDraft('web-1'))
  await until(() => hostnames() === 'web.svc.mesh.local web.mesh')

  const selector = { meshService: { matchLabels: { 'kuma.io/display-name': 'web' } } }
  await zone.put({ kind: 'MeshMultiZoneService', mesh: 'default', name: 'web', labels: {}, spec: { selector, ports: [{ port: 80 }] } })
  await until(() => hostnames() === 'web.svc.mesh.local')

  await zone.remove('MeshMultiZoneService', 'web')
  await until(() => hostnames() === 'web.svc.mesh.local web.mesh')
})

test('the address of a zone gateway is there while it serves', async () => {
  await using zone = await aZone()
  const address = () => zone.get<MeshZoneAddress>('MeshZoneAddress', 'gateway')?.spec
  const agent = await zone.agent({ dataplane: aDataplane('gateway', { workload: 'gateway', networking: zoneIngress }) })
  await agent.next('registered')
  await zone.derived.settled()
  assert.equal(address(), undefined)

  agent.askForCertificate()
  agent.bound('zone_ingress_ingress')
  await until(() => address() !== undefined)
  assert.deepEqual(address(), { address: '10.0.0.9', port: 10001 })

  await agent.breakOff()
  await until(() => address() === undefined)
})

test('an address that a user wrote under the name of a gateway stays', async () => {
  await using zone = await aZone()
  const spec = { address: '203.0.113.7', port: 443 }
  await zone.put({ kind: 'MeshZoneAddress', mesh: 'default', name: 'gateway', labels: {}, spec })

  await zone.put(aDraft('gateway', { workload: 'gateway', networking: zoneIngress }))
  await zone.derived.settled()

  assert.deepEqual(zone.get<MeshZoneAddress>('MeshZoneAddress', 'gateway')?.spec, spec)
})

test('after the end nothing more is written', async () => {
  const zone = await aZone()
  const agent = await zone.agent({})
  await agent.next('registered')
  await zone.derived.close()
  const { revision } = zone.registry

  await agent.breakOff()
  await zone.derived.settled()

  assert.equal(zone.registry.revision, revision)
  await zone[Symbol.asyncDispose]()
})
