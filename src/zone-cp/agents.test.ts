import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { issueToken } from '../identity/tokens.ts'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { MeshService } from '../model/kinds/mesh-service.ts'
import { memoryDisk } from '../registry/memory-store.ts'
import { ManualClock } from '../std/clock.ts'
import { aDataplane, aDraft, aZone, type TestZone, turns, until, zoneIngress } from './testing.ts'

/** The code with which the zone refuses this Hello. */
async function refusalOf(zone: TestZone, options: Parameters<TestZone['agent']>[0]): Promise<string> {
  const agent = await zone.agent(options)
  const { code, message } = await agent.next('refused')
  await agent.served
  assert.equal(agent.status?.code, 'PERMISSION_DENIED')
  assert.notEqual(message, '')
  return code
}

test('a proxy with a good token is registered and told its name', async () => {
  await using zone = await aZone()

  const agent = await zone.agent({})

  const { $typeName, ...registered } = await agent.next('registered')
  assert.deepEqual(registered, {
    mesh: 'default',
    name: 'web-1',
    zone: 'east',
    spiffeId: 'spiffe://default.east.mesh.local/workload/web',
  })
  const { labels } = zone.get<Dataplane>('Dataplane', 'web-1')!
  assert.equal(labels['kuma.io/managed-by'], 'agent')
  assert.equal(labels['kuma.io/zone'], 'east')
})

test('a proxy is refused, with the reason, when its token does not fit or its Dataplane is not one', async () => {
  await using zone = await aZone()

  assert.equal(await refusalOf(zone, { token: 'nonsense' }), 'SKERRY_TOKEN_MALFORMED')
  assert.equal(await refusalOf(zone, { claims: { mesh: 'other' } }), 'SKERRY_TOKEN_OTHER_MESH')
  assert.equal(await refusalOf(zone, { claims: { mesh: 'default', workload: 'payments' } }), 'SKERRY_TOKEN_OTHER_WORKLOAD')
  assert.equal(await refusalOf(zone, { claims: { mesh: 'default', name: 'web-2' } }), 'SKERRY_TOKEN_OTHER_NAME')
  const asGateway = { dataplane: aDataplane('web-1', { networking: zoneIngress }) }
  assert.equal(await refusalOf(zone, { ...asGateway, claims: { mesh: 'default', workload: 'web' } }), 'SKERRY_TOKEN_OTHER_TYPE')
  assert.equal(await refusalOf(zone, { ...asGateway, claims: { mesh: 'default' } }), 'SKERRY_TOKEN_OTHER_TYPE')
  const elsewhere = aDataplane('web-1', { mesh: 'elsewhere' })
  assert.equal(await refusalOf(zone, { claims: { mesh: 'elsewhere' }, dataplane: elsewhere }), 'SKERRY_MESH_UNKNOWN')
  assert.equal(await refusalOf(zone, { dataplane: aDataplane('web-1', { networking: {} }) }), 'SKERRY_DATAPLANE_INVALID')
  assert.equal(await refusalOf(zone, { dataplane: 'not JSON' }), 'SKERRY_DATAPLANE_INVALID')
  assert.equal(await refusalOf(zone, { dataplane: { type: 'Mesh', name: 'default' } }), 'SKERRY_DATAPLANE_INVALID')
  const claimsOtherZone = { ...aDataplane('web-1'), labels: { 'kuma.io/zone': 'west' } }
  assert.equal(await refusalOf(zone, { dataplane: claimsOtherZone }), 'SKERRY_DATAPLANE_INVALID')
  assert.deepEqual(zone.registry.list('Dataplane'), [])
  assert.equal(zone.facts.size, 0)
})

test('a proxy does not take the name of a workload that Terraform made, which stays as it was', async () => {
  await using zone = await aZone()
  const draft = aDraft('web-1')
  const labels = { ...draft.labels, 'kuma.io/managed-by': 'terraform', 'skerry.io/proxy': 'none' }
  await zone.registry.commit([{ kind: 'put', draft: { ...draft, labels } }])
  const before = zone.get<Dataplane>('Dataplane', 'web-1')

  assert.equal(await refusalOf(zone, {}), 'SKERRY_NAME_TAKEN')

  assert.deepEqual(zone.get<Dataplane>('Dataplane', 'web-1'), before)
})

test('an expired token is refused by the clock of the zone', async () => {
  const clock = new ManualClock()
  await using zone = await aZone({ clock })
  const token = await issueToken(zone.tokens, { type: 'dataplane', claims: { mesh: 'default' }, ttlMs: 60_000 }, clock)
  clock.advance(120_000)

  assert.equal(await refusalOf(zone, { token }), 'SKERRY_TOKEN_EXPIRED')
})

test('Hello comes first and once', async () => {
  await using zone = await aZone()

  const impatient = await zone.agent({ silent: true })
  impatient.health(true)
  assert.equal((await impatient.next('refused')).code, 'SKERRY_AGENT_NO_HELLO')

  const twice = await zone.agent({})
  twice.hello({ dataplane: JSON.stringify(aDataplane('web-2')), instanceId: 'process-1' })
  assert.equal((await twice.next('refused')).code, 'SKERRY_AGENT_SECOND_HELLO')
  await twice.served
  assert.equal(zone.get('Dataplane', 'web-2'), undefined)
})

test('what comes after a refusal is not heard', async () => {
  await using zone = await aZone()
  const agent = await zone.agent({ dataplane: 'not JSON' })
  agent.hello({ dataplane: JSON.stringify(aDataplane('web-1')), instanceId: 'process-1' })

  await agent.served

  assert.equal(zone.get('Dataplane', 'web-1'), undefined)
})

test('bytes that are no message end the stream, and the proxy counts as gone', async () => {
  await using zone = await aZone()
  const agent = await zone.agent({})
  await agent.next('registered')

  agent.stream.send(new Uint8Array([0xff, 0xff, 0xff]))
  await agent.served

  assert.equal(agent.status?.code, 'INVALID_ARGUMENT')
  assert.equal(zone.factsOf('web-1')?.connections.at(-1)?.disconnectedAtMs, zone.clock.now())
})

test('a store that fails ends the stream, so that the proxy tries again, and nothing else', async () => {
  await using zone = await aZone()
  zone.registry.commit = () => Promise.reject(new Error('the disk is full'))

  const agent = await zone.agent({})
  await agent.served

  assert.equal(agent.status?.code, 'INTERNAL')
  assert.equal(zone.facts.size, 0)
})

test('an instance is ready when it has its certificate, listens, and its application answers', async () => {
  await using zone = await aZone()
  const agent = await zone.agent({})
  await agent.next('registered')
  const reason = () => {
    const { proxy, inbounds } = zone.readiness.of(zone.get<Dataplane>('Dataplane', 'web-1')!)
    return inbounds.get('main')!.reason || proxy.reason
  }
  assert.match(reason(), /no certificate/)

  agent.askForCertificate()
  const { chainPem } = await agent.next('certificate')
  assert.equal(new X509Certificate(chainPem).subjectAltName, 'URI:spiffe://default.east.mesh.local/workload/web')
  assert.match(reason(), /not accepted its trust bundles/)

  agent.bound('self_inbound_dp_main')
  await until(() => /has not been asked/.test(reason()))
  agent.health(false)
  await until(() => /does not answer: no answer/.test(reason()))
  agent.health(true)
  await until(() => zone.proxyState('web-1') === 'ready')
})

test('a request that no proxy of ours makes gets no certificate', async () => {
  await using zone = await aZone()
  const agent = await zone.agent({})
  agent.send({ case: 'certificateRequest', value: { csr: new Uint8Array([1, 2, 3]) } })

  assert.equal((await agent.next('refused')).code, 'SKERRY_CSR_REFUSED')
})

test('a stream that breaks takes the instance out at once, and leaves its Dataplane', async () => {
  await using zone = await aZone()
  const agent = await zone.agent({})
  agent.tellAll()
  await until(() => zone.proxyState('web-1') === 'ready')

  await agent.breakOff()

  assert.equal(zone.proxyState('web-1'), 'not-ready')
  assert.ok(zone.get('Dataplane', 'web-1'))
})

test('a half-closed stream is ended', async () => {
  await using zone = await aZone()
  const agent = await zone.agent({})
  await agent.next('registered')

  agent.stream.end()
  await agent.served

  assert.equal(agent.status?.code, 'OK')
  assert.equal(zone.proxyState('web-1'), 'not-ready')
})

test('another process under the same name replaces the one before, which hears of it and changes nothing any more', async () => {
  await using zone = await aZone()
  const first = await zone.agent({ instanceId: 'process-1' })
  first.tellAll()
  await until(() => zone.proxyState('web-1') === 'ready')

  const second = await zone.agent({ instanceId: 'process-2' })
  await second.next('registered')

  assert.equal((await first.next('refused')).code, 'SKERRY_REPLACED')
  await first.served
  assert.equal(zone.factsOf('web-1')?.instanceId, 'process-2')
  assert.equal(zone.factsOf('web-1')?.certificate, null)
  assert.equal(zone.proxyState('web-1'), 'not-ready')
  assert.deepEqual(
    zone.factsOf('web-1')?.connections.map(connection => connection.disconnectedAtMs === null),
    [false, true],
  )
})

test('the same process on a new stream keeps what it had, and the stream before ends without a refusal', async () => {
  await using zone = await aZone()
  const first = await zone.agent({})
  first.tellAll()
  await until(() => zone.proxyState('web-1') === 'ready')
  const states: unknown[] = []
  zone.facts.onChange(() => states.push(zone.proxyState('web-1')))

  const second = await zone.agent({ certificateNotAfterMs: zone.factsOf('web-1')!.certificate!.notAfterMs })
  await second.next('registered')
  await first.served

  assert.equal(first.status?.code, 'ABORTED')
  assert.deepEqual(
    first.received.filter(message => message.case === 'refused'),
    [],
  )
  assert.ok(!states.includes('not-ready'), String(states))
})

test('after a restart of the control plane a proxy that returns never leaves the rotation', async () => {
  const disk = memoryDisk()
  const clock = new ManualClock()
  {
    await using before = await aZone({ disk, clock })
    const agent = await before.agent({})
    agent.tellAll()
    await until(() => before.proxyState('web-1') === 'ready')
  }
  await using after = await aZone({ disk, clock })
  const states = [after.proxyState('web-1')]
  after.facts.onChange(() => states.push(after.proxyState('web-1')))

  const agent = await after.agent({ certificateNotAfterMs: clock.now() + 3_600_000 })
  await agent.next('registered')
  agent.health(true)
  agent.bound('self_inbound_dp_main')
  await until(() => after.factsOf('web-1') !== undefined)

  assert.deepEqual(new Set(states), new Set(['ready']))
})

test('a returning proxy that does not tell what it has counts by its facts after a second', async () => {
  await using zone = await aZone()
  await zone.put(aDraft('web-1'))
  const agent = await zone.agent({ certificateNotAfterMs: zone.clock.now() + 3_600_000 })
  await agent.next('registered')
  assert.equal(zone.proxyState('web-1'), 'ready')

  zone.clock.advance(1000)

  assert.equal(zone.proxyState('web-1'), 'not-ready')
})

test('a returning proxy whose certificate has ended does not count as before', async () => {
  await using zone = await aZone()
  await zone.put(aDraft('web-1'))

  const agent = await zone.agent({ certificateNotAfterMs: zone.clock.now() - 1 })
  await agent.next('registered')

  assert.equal(zone.proxyState('web-1'), 'not-ready')
})

test('one that drains is told when its callers know, and is gone from the registry when it ends', async () => {
  await using zone = await aZone()
  const agent = await zone.agent({})
  agent.tellAll()
  await until(() => zone.proxyState('web-1') === 'ready')
  await zone.derived.settled()
  const networking = { address: '10.0.0.2', inbound: [{ port: 9000 }], outbound: [{ port: 9001, backendRef: { name: 'web' } }] }
  await zone.put(aDraft('caller-1', { workload: 'caller', networking }))
  const caller = zone.reconciler.open('default', 'caller-1')
  const type = 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment'
  const cluster = 'kri_msvc_default_east__web_main'

  agent.drain()
  await until(() => zone.proxyState('web-1') === 'draining')
  await turns()
  assert.ok(!agent.received.some(message => message.case === 'drained'))
  const endpoints = caller.snapshot.get(type, cluster)
  assert.ok(typeof endpoints === 'object')
  caller.acknowledged(type, new Map([[cluster, endpoints.version]]))
  await agent.next('drained')
  agent.stream.end()
  await agent.served

  assert.equal(zone.get('Dataplane', 'web-1'), undefined)
  assert.equal(zone.factsOf('web-1'), undefined)
  caller.close()
})

test('callers that do not answer keep nobody from draining for more than two seconds', async () => {
  await using zone = await aZone()
  const agent = await zone.agent({})
  agent.tellAll()
  await until(() => zone.proxyState('web-1') === 'ready')
  await zone.derived.settled()
  const networking = { address: '10.0.0.2', inbound: [{ port: 9000 }], outbound: [{ port: 9001, backendRef: { name: 'web' } }] }
  await zone.put(aDraft('caller-1', { workload: 'caller', networking }))
  const silent = zone.reconciler.open('default', 'caller-1')

  agent.drain()
  await until(() => zone.proxyState('web-1') === 'draining')
  zone.clock.advance(1999)
  await turns()
  assert.ok(!agent.received.some(message => message.case === 'drained'))
  zone.clock.advance(1)

  await agent.next('drained')
  silent.close()
})

test('a process that drains goes on draining when it connects again', async () => {
  await using zone = await aZone()
  const first = await zone.agent({})
  first.tellAll()
  await until(() => zone.proxyState('web-1') === 'ready')
  first.drain()
  await until(() => zone.proxyState('web-1') === 'draining')

  const second = await zone.agent({ certificateNotAfterMs: zone.factsOf('web-1')!.certificate!.notAfterMs })
  await second.next('registered')

  assert.equal(zone.proxyState('web-1'), 'draining')
})

test('the facts of a Dataplane that is deleted go with it', async () => {
  await using zone = await aZone()
  const agent = await zone.agent({})
  await agent.next('registered')
  await agent.breakOff()
  assert.equal(zone.facts.size, 1)

  await zone.remove('Dataplane', 'web-1')

  assert.equal(zone.facts.size, 0)
})

test('a proxy whose Dataplane somebody deletes is asked to register again', async () => {
  await using zone = await aZone()
  const agent = await zone.agent({})
  await agent.next('registered')

  await zone.remove('Dataplane', 'web-1')
  await agent.served
  assert.equal(agent.status?.code, 'UNAVAILABLE')
  assert.equal(zone.facts.size, 0)

  const again = await zone.agent({})
  await again.next('registered')
  assert.ok(zone.get('Dataplane', 'web-1'))
})

test('a proxy that comes under the name of one that is being removed stays registered', async () => {
  await using zone = await aZone()
  const first = await zone.agent({ instanceId: 'process-1' })
  await first.next('registered')
  first.drain()
  await first.next('drained')
  const second = await zone.agent({ instanceId: 'process-2', silent: true })

  first.stream.end()
  second.hello({ dataplane: JSON.stringify(aDataplane('web-1')), instanceId: 'process-2' })
  await Promise.all([first.served, second.next('registered')])

  assert.ok(zone.get('Dataplane', 'web-1'))
  assert.equal(zone.factsOf('web-1')?.instanceId, 'process-2')
})

test('a control plane that stops takes nobody out of the rotation', async () => {
  const disk = memoryDisk()
  const zone = await aZone({ disk })
  const agent = await zone.agent({})
  agent.tellAll()
  await until(() => zone.get<MeshService>('MeshService', 'web')?.spec.state === 'Available')

  await zone[Symbol.asyncDispose]()

  assert.equal(agent.status?.code, 'UNAVAILABLE')
  await using next = await aZone({ disk })
  assert.equal(next.get<MeshService>('MeshService', 'web')?.spec.state, 'Available')
})

test('when the name of its identity changes a proxy is told to renew its certificate', async () => {
  await using zone = await aZone()
  const agent = await zone.agent({})
  agent.tellAll()
  await agent.next('certificate')

  const spec = {
    selector: { dataplane: { matchLabels: {} } },
    spiffeID: { trustDomain: 'moved.{{ .Zone }}.example' },
    provider: { type: 'Bundled' },
  }
  await zone.put({ kind: 'MeshIdentity', mesh: 'default', name: 'identity', labels: {}, spec })
  await zone.pass(20_000)

  await agent.next('renew')
})
