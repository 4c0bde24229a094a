import assert from 'node:assert/strict'
import { test } from 'node:test'
import { typeUrls } from '../envoy/resources.ts'
import type { MeshService } from '../model/kinds/mesh-service.ts'
import { memoryDisk } from '../registry/memory-store.ts'
import { aDraft, aZone, gatewayClaims, type TestZone, turns, until, zoneIngress } from './testing.ts'

const gatewayDraft = aDraft('gateway', { workload: 'gateway', networking: zoneIngress })

function stateOf(zone: TestZone, name: string): string | undefined {
  return zone.get<MeshService>('MeshService', name)?.spec.state
}

test('without a zone gateway nobody comes in from elsewhere, and ready is available', async () => {
  await using zone = await aZone()
  await zone.put(aDraft('web-1'))
  await until(() => stateOf(zone, 'web') === 'Available')
})

test('with one, a service is available when the gateway has acknowledged its route', async () => {
  await using zone = await aZone()
  await zone.put(gatewayDraft, aDraft('web-1'))
  await zone.derived.settled()
  assert.equal(stateOf(zone, 'web'), 'Unavailable')

  const gateway = await zone.proxy({ name: 'gateway', claims: gatewayClaims })
  await until(() => stateOf(zone, 'web') === 'Available')

  await gateway.close()
})

test('a listener that the gateway refuses lets nobody in', async () => {
  await using zone = await aZone()
  await zone.put(gatewayDraft, aDraft('web-1'))
  const refuse = ({ typeUrl }: { typeUrl: string }) => (typeUrl === typeUrls.listener ? 'the port is taken' : null)

  const gateway = await zone.proxy({ name: 'gateway', claims: gatewayClaims, refuse })
  await until(() => gateway.updates.some(update => update.typeUrl === typeUrls.listener))
  await turns()

  assert.equal(stateOf(zone, 'web'), 'Unavailable')
  await gateway.close()
})

test('what was available before a restart of the control plane stays so, without the gateway', async () => {
  const disk = memoryDisk()
  {
    await using before = await aZone({ disk })
    await before.put(gatewayDraft, aDraft('web-1'))
    const gateway = await before.proxy({ name: 'gateway', claims: gatewayClaims })
    await until(() => stateOf(before, 'web') === 'Available')
    await gateway.close()
  }
  await using after = await aZone({ disk })
  await after.derived.settled()

  assert.equal(stateOf(after, 'web'), 'Available')
})

test('a gateway that comes back with the route that it had lets in what was not available at the restart', async () => {
  const disk = memoryDisk()
  const notReady = { address: '10.0.0.1', inbound: [{ name: 'main', port: 8080, servicePort: 80, protocol: 'http', state: 'NotReady' }] }
  const before = await aZone({ disk })
  await before.put(gatewayDraft, aDraft('web-1', { networking: notReady }))
  await before.derived.settled()
  const gateway = await before.proxy({ name: 'gateway', claims: gatewayClaims })
  await until(() => gateway.held(typeUrls.listener).length > 0)
  await gateway.close()
  await before[Symbol.asyncDispose]()

  await using after = await aZone({ disk })
  const returning = await after.proxy({ name: 'gateway', claims: gatewayClaims, holding: gateway })
  await until(() => after.reconciler.hasAcknowledged('default', 'gateway', typeUrls.listener, 'zone_ingress_ingress'))
  await after.put(aDraft('web-1'))

  await until(() => stateOf(after, 'web') === 'Available')
  assert.ok(!returning.updates.some(update => update.typeUrl === typeUrls.listener && update.added.length > 0))
  await returning.close()
})

test('the first gateway of a mesh, and the end of the last, decide anew who can come in', async () => {
  await using zone = await aZone()
  await zone.put(aDraft('web-1'))
  await until(() => stateOf(zone, 'web') === 'Available')

  await zone.put(gatewayDraft)
  await until(() => stateOf(zone, 'web') === 'Unavailable')

  await zone.remove('Dataplane', 'gateway')
  await until(() => stateOf(zone, 'web') === 'Available')
})

test('a service that is deleted and made again has to be let in again', async () => {
  await using zone = await aZone()
  await zone.put(gatewayDraft, aDraft('web-1'))
  const gateway = await zone.proxy({ name: 'gateway', claims: gatewayClaims })
  await until(() => stateOf(zone, 'web') === 'Available')
  const service = zone.get<MeshService>('MeshService', 'web')!
  assert.ok(zone.exposed.has(service))

  await gateway.close()
  await zone.remove('Dataplane', 'web-1')
  await zone.remove('MeshService', 'web')

  assert.equal(zone.exposed.has(service), false)
})
