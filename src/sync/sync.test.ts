import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../std/log.ts'
import { globalToZonePath, serveOutbox, sessionPath, zoneToGlobalPath } from './exchange.ts'
import { Outbox } from './outbox.ts'
import { encodeForWire } from './owed.ts'
import { aDraft, namesOf, put, remove, TestMesh } from './testing.ts'
import { travellingName } from './visibility.ts'

const aBundle = { type: 'Pem', pem: { value: '-----BEGIN CERTIFICATE-----' } }
const aTrust = (zone: string, name = 'identity') =>
  aDraft('MeshTrust', name, { spec: { trustDomain: `default.${zone}.mesh.local`, caBundles: [aBundle] } })

test("a zone's service reaches global and the other zone, and only there", async () => {
  await using mesh = await TestMesh.start('aws-1', 'azure-1')
  const service = aDraft('MeshService', 'payments', { spec: { state: 'Available' }, status: { vips: [{ ip: '241.0.0.1' }] } })

  await put(mesh.zone('aws-1').registry, service)
  await mesh.clock.run(0)

  assert.deepEqual(namesOf(mesh.global.registry, 'MeshService'), ['aws-1/payments'])
  assert.deepEqual(namesOf(mesh.zone('aws-1').registry, 'MeshService'), ['/payments'])
  const [there] = mesh.zone('azure-1').registry.list('MeshService')
  assert.deepEqual(there?.labels, { 'kuma.io/display-name': 'payments', 'kuma.io/origin': 'global', 'kuma.io/zone': 'aws-1' })
  assert.deepEqual(there?.spec, { state: 'Available' })
  assert.equal(there?.status, undefined)
  assert.deepEqual(
    [...mesh.zones.values()].map(zone => zone.side.facts.refused),
    [[], []],
  )
  assert.equal(there?.name, mesh.global.registry.list('MeshService')[0]?.name)

  await remove(mesh.zone('aws-1').registry, service)
  await mesh.clock.run(0)

  assert.deepEqual(namesOf(mesh.zone('azure-1').registry, 'MeshService'), [])
})

test('a change goes through all hops without waiting for any timer', async () => {
  await using mesh = await TestMesh.start('aws-1', 'azure-1')
  const before = mesh.clock.monotonic()

  for (const state of ['Available', 'Unavailable', 'Available']) {
    await put(mesh.zone('aws-1').registry, aDraft('MeshService', 'payments', { spec: { state } }))
    await mesh.clock.run(0)
    assert.deepEqual(mesh.zone('azure-1').registry.list('MeshService')[0]?.spec, { state })
  }

  assert.equal(mesh.clock.monotonic(), before)
})

test('trust is synced by itself: every zone gets the bundle of every other', async () => {
  await using mesh = await TestMesh.start('aws-1', 'azure-1', 'gcp-1')

  for (const zone of mesh.zones.values()) await put(zone.registry, aTrust(zone.name))
  await mesh.settle()

  assert.deepEqual(namesOf(mesh.zone('azure-1').registry, 'MeshTrust'), ['/identity', 'aws-1/identity', 'gcp-1/identity'])
})

test('what the proxies of a zone acknowledge reaches every zone, without waiting, and who of them is behind only global', async () => {
  await using mesh = await TestMesh.start('aws-1', 'azure-1')
  const roots = (zone: string) => ({ trustDomain: `default.${zone}.mesh.local`, roots: ['ab'.repeat(32)] })
  const spec = { trusts: [roots('aws-1'), roots('azure-1')], signedBy: [roots('aws-1')] }

  await put(mesh.zone('aws-1').registry, aDraft('TrustAcknowledgement', 'aws-1', { spec, status: { behind: ['slow'] } }))
  await mesh.clock.run(0)

  const [atGlobal] = mesh.global.registry.list('TrustAcknowledgement')
  const [there] = mesh.zone('azure-1').registry.list('TrustAcknowledgement')
  assert.deepEqual([atGlobal?.status, there?.status], [{ behind: ['slow'] }, undefined])
  assert.deepEqual([there?.spec, there?.labels['kuma.io/zone']], [spec, 'aws-1'])
})

test('global’s heartbeats name the zones that are silent, to all but themselves', async () => {
  await using mesh = await TestMesh.start('aws-1', 'azure-1')
  mesh.silentZones = ['aws-1']
  await mesh.settle()
  assert.deepEqual(mesh.zone('azure-1').side.facts.silentZones, ['aws-1'])
  assert.deepEqual(mesh.zone('aws-1').side.facts.silentZones, [])

  mesh.silentZones = []
  await mesh.settle()
  assert.deepEqual(mesh.zone('azure-1').side.facts.silentZones, [])
})

test("another zone's trust domain is refused by name, and the good rest is applied", async () => {
  await using mesh = await TestMesh.start('azure-1')
  const outbox = new Outbox(['MeshTrust'])
  for (const draft of [aTrust('aws-1', 'honest'), aTrust('azure-1', 'false')]) {
    const labels = { 'kuma.io/display-name': draft.name, 'kuma.io/origin': 'zone', 'kuma.io/zone': 'aws-1' }
    const encoded = encodeForWire({ ...draft, labels, name: travellingName({ ...draft, labels }) })
    outbox.put({ kind: 'MeshTrust', encoded, from: '' })
  }
  const metadata = { authorization: 'Bearer aws-1', 'skerry-instance': 'liar' }
  const session = mesh.dial(sessionPath, metadata)
  await mesh.clock.run(0)

  const errors: string[] = []
  const listener = { onAcknowledged() {}, onRefused: (refused: { error: string }) => void errors.push(refused.error) }
  const served = serveOutbox(mesh.dial(zoneToGlobalPath, metadata), outbox, listener, silentLog)
  await mesh.clock.run(0)

  assert.deepEqual(namesOf(mesh.global.registry, 'MeshTrust'), ['aws-1/honest'])
  assert.deepEqual(namesOf(mesh.zone('azure-1').registry, 'MeshTrust'), ['aws-1/honest'])
  assert.match(errors.join(), /^false-\w+\.default: zone aws-1 vouches for the trust domain default\.aws-1\.mesh\.local only$/)
  assert.match(mesh.global.facts.get('aws-1')?.refused[0]?.name ?? '', /^MeshTrust\/false-/)

  session.end({ code: 'CANCELLED', message: '' })
  await served
})

test('after a cut only the differences travel', async () => {
  await using mesh = await TestMesh.start('aws-1', 'azure-1')
  const services = Array.from({ length: 200 }, (_, index) => aDraft('MeshService', `service-${index}`, { spec: { state: 'Available' } }))
  await put(mesh.zone('aws-1').registry, ...services)
  await mesh.settle()
  assert.equal(mesh.zone('azure-1').registry.list('MeshService').length, 200)

  for (const zone of mesh.zones.values()) zone.cut('until healed')
  await put(mesh.zone('aws-1').registry, aDraft('MeshService', 'service-7', { spec: { state: 'Unavailable' } }))
  await remove(mesh.zone('aws-1').registry, services[8]!)
  await mesh.settle()
  for (const table of [mesh.traffic.up, mesh.traffic.down]) table.clear()
  for (const zone of mesh.zones.values()) zone.heal()
  await mesh.settle()

  const seen = mesh.zone('azure-1').registry.list('MeshService')
  assert.equal(seen.length, 199)
  assert.deepEqual(seen.find(service => service.labels['kuma.io/display-name'] === 'service-7')?.spec, { state: 'Unavailable' })
  // One resource and one name, beside an empty answer for each kind: 200 services are some 60 kB.
  assert.ok(mesh.traffic.up.get(zoneToGlobalPath)!.bytes < 2_000, `${mesh.traffic.up.get(zoneToGlobalPath)!.bytes} bytes up`)
  assert.ok(mesh.traffic.down.get(globalToZonePath)!.bytes < 4_000, `${mesh.traffic.down.get(globalToZonePath)!.bytes} bytes down`)
})

test('a zone keeps what it holds while global is away, and takes up where it was when global is back', async () => {
  await using mesh = await TestMesh.start('aws-1', 'azure-1')
  await put(mesh.global.registry, aDraft('Mesh', 'default'))
  await put(mesh.zone('aws-1').registry, aDraft('MeshService', 'payments'))
  await mesh.settle()

  await mesh.stopGlobal()
  await mesh.settle(60_000)

  const { registry, side } = mesh.zone('azure-1')
  assert.deepEqual([namesOf(registry, 'MeshService'), namesOf(registry, 'Mesh')], [['aws-1/payments'], ['/default']])
  assert.equal(side.facts.connected, false)
  assert.match(side.facts.lastError ?? '', /^UNAVAILABLE/)

  await put(mesh.zone('aws-1').registry, aDraft('MeshService', 'orders'))
  await mesh.startGlobal()
  await mesh.settle(3_000)

  assert.deepEqual(namesOf(registry, 'MeshService'), ['aws-1/orders', 'aws-1/payments'])
  assert.equal(side.facts.connected, true)
})

test('a second control plane of the same zone takes over, and the older stays out until it is gone', async () => {
  await using mesh = await TestMesh.start('aws-1')
  const older = mesh.zone('aws-1')

  const newer = await mesh.addZone('aws-1', 'newer')
  await mesh.settle()

  assert.equal(newer.facts?.connected, true)
  assert.equal(older.facts?.connected, false)
  assert.match(older.facts?.lastError ?? '', /ALREADY_EXISTS.*stop one of the two/)
  await put(older.registry, aDraft('MeshService', 'of-the-older'))
  await put(newer.registry, aDraft('MeshService', 'of-the-newer'))
  await mesh.settle()
  assert.deepEqual(namesOf(mesh.global.registry, 'MeshService'), ['aws-1/of-the-newer'])

  await newer.stop()
  await mesh.settle()

  assert.equal(older.facts?.connected, true)
  assert.deepEqual(namesOf(mesh.global.registry, 'MeshService'), ['aws-1/of-the-older'])
})

test('who has no token, or that of another zone, is refused with the reason', async () => {
  await using mesh = await TestMesh.start()

  const mixedUp = await mesh.addZone('aws-1', 'aws-1', 'azure-1')
  const nobody = await mesh.addZone('gcp-1', 'gcp-1', '')
  await mesh.settle()

  assert.match(mixedUp.facts?.lastError ?? '', /PERMISSION_DENIED: the token is zone azure-1's, and this control plane is zone aws-1/)
  assert.match(nobody.facts?.lastError ?? '', /UNAUTHENTICATED: no token/)
  assert.deepEqual(mesh.global.side.facts(), [])
})

test('streams without a session are refused', async () => {
  await using mesh = await TestMesh.start('aws-1')

  const stream = mesh.dial(globalToZonePath, { authorization: 'Bearer aws-1', 'skerry-instance': 'stranger' })

  assert.equal((await stream.closed).code, 'FAILED_PRECONDITION')
})

test("a zone's own resource is never overwritten, and global hears of the collision", async () => {
  await using mesh = await TestMesh.start('aws-1')
  const { registry } = mesh.zone('aws-1')
  const mine = aDraft('Mesh', 'default', { labels: { 'kuma.io/origin': 'zone' }, spec: { meshServices: { mode: 'Exclusive' } } })
  await put(registry, mine)

  await put(mesh.global.registry, aDraft('Mesh', 'default'), aDraft('Mesh', 'other'))
  await mesh.settle()

  assert.deepEqual(namesOf(registry, 'Mesh'), ['/default', '/other'])
  assert.deepEqual(registry.get(mine)?.spec, mine.spec)
  assert.match(mesh.global.facts.get('aws-1')?.lastError ?? '', /Mesh default\.: zone aws-1 has its own Mesh of that name/)

  await remove(mesh.global.registry, aDraft('Mesh', 'default'))
  await mesh.settle()

  assert.deepEqual(registry.get(mine)?.spec, mine.spec)
  assert.equal(mesh.global.facts.get('aws-1')?.lastError, undefined)
})

test('what a disabled zone made is withdrawn from the others, and comes back when it is enabled', async () => {
  await using mesh = await TestMesh.start('aws-1', 'azure-1')
  await put(mesh.zone('aws-1').registry, aDraft('MeshService', 'payments'))
  await mesh.settle()

  await put(mesh.global.registry, aDraft('Zone', 'aws-1', { spec: { enabled: false } }))
  await mesh.clock.run(0)

  assert.deepEqual(namesOf(mesh.zone('azure-1').registry, 'MeshService'), [])
  assert.deepEqual(namesOf(mesh.zone('aws-1').registry, 'MeshService'), ['/payments'])

  await put(mesh.global.registry, aDraft('Zone', 'aws-1', { spec: { enabled: true } }))
  await mesh.clock.run(0)

  assert.deepEqual(namesOf(mesh.zone('azure-1').registry, 'MeshService'), ['aws-1/payments'])
})

test('global knows how each zone stands', async () => {
  await using mesh = await TestMesh.start('aws-1')
  const connectedAt = mesh.global.facts.get('aws-1')!.since
  await put(mesh.zone('aws-1').registry, aDraft('MeshService', 'payments'), aTrust('aws-1'))
  await put(mesh.global.registry, aDraft('Mesh', 'default'))
  await mesh.settle()

  const { revision } = mesh.global.registry
  const facts = mesh.global.facts.get('aws-1')!
  assert.equal(facts.connected, true)
  assert.equal(facts.since, connectedAt)
  assert.ok(mesh.clock.now() - facts.lastHeard <= 5_000)
  assert.deepEqual(facts.resources, { MeshService: 1, MeshTrust: 1 })
  assert.deepEqual(facts.behind, [])
  assert.ok(facts.owedRevision <= revision && facts.heldRevision === facts.owedRevision)
  assert.equal(facts.revision, mesh.zone('aws-1').registry.revision)
  assert.equal(facts.state, '{"proxies":0}')

  await mesh.zone('aws-1').stop()
  await mesh.settle()

  assert.equal(mesh.global.facts.get('aws-1')?.connected, false)
  assert.match(mesh.global.facts.get('aws-1')?.lastError ?? '', /^CANCELLED/)
})

test('a peer that says nothing any more is given up', async () => {
  await using mesh = await TestMesh.start()
  const stream = mesh.dial(sessionPath, { authorization: 'Bearer aws-1', 'skerry-instance': 'frozen' })
  await mesh.settle()
  assert.equal(mesh.global.facts.get('aws-1')?.connected, true)

  await mesh.settle(15_000)

  assert.equal((await stream.closed).code, 'DEADLINE_EXCEEDED')
  assert.equal(mesh.global.facts.get('aws-1')?.connected, false)
})

test('what somebody changed behind the back of the sync is fetched again', async () => {
  await using mesh = await TestMesh.start('aws-1', 'azure-1')
  await put(mesh.zone('aws-1').registry, aDraft('MeshService', 'payments', { spec: { state: 'Available' } }))
  await put(mesh.global.registry, aDraft('Mesh', 'default'))
  await mesh.settle()

  const { registry } = mesh.zone('azure-1')
  await remove(registry, aDraft('Mesh', 'default'))
  const atGlobal = mesh.global.registry.list('MeshService')[0]!
  await put(mesh.global.registry, { ...atGlobal, spec: { state: 'Unavailable' } })
  await mesh.settle(30_000)

  assert.deepEqual(namesOf(registry, 'Mesh'), ['/default'])
  assert.deepEqual(mesh.global.registry.get(atGlobal)?.spec, { state: 'Available' })
  assert.deepEqual(registry.list('MeshService')[0]?.spec, { state: 'Available' })
  assert.deepEqual(
    [...mesh.zones.values()].map(zone => zone.facts?.connected),
    [true, true],
  )
})

test('a status that the zone computes itself is no difference', async () => {
  await using mesh = await TestMesh.start('aws-1', 'azure-1')
  await put(mesh.zone('aws-1').registry, aDraft('MeshService', 'payments'))
  await mesh.settle()
  const { registry, side } = mesh.zone('azure-1')
  const status = { vips: [{ ip: '241.0.0.9' }] }

  await put(registry, { ...registry.list('MeshService')[0]!, status })
  await mesh.settle(30_000)
  await put(mesh.zone('aws-1').registry, aDraft('MeshService', 'payments', { spec: { state: 'Unavailable' } }))
  await mesh.settle()

  const { spec, status: kept } = registry.list('MeshService')[0]!
  assert.deepEqual({ spec, kept }, { spec: { state: 'Unavailable' }, kept: status })
  assert.ok(mesh.clock.now() - side.facts.since > 30_000)
})

test('a session ends with its token', async () => {
  await using mesh = await TestMesh.start()
  const expiresAt = mesh.clock.now() + 10_000
  const stream = mesh.dial(sessionPath, { authorization: `Bearer aws-1;${expiresAt}`, 'skerry-instance': 'one' })

  await mesh.settle(9_999)
  assert.equal(mesh.global.facts.get('aws-1')?.connected, true)
  await mesh.settle(1)

  assert.equal((await stream.closed).code, 'UNAUTHENTICATED')
})

test('a zone that is forgotten takes all it made with it', async () => {
  await using mesh = await TestMesh.start('aws-1', 'azure-1')
  await put(mesh.zone('aws-1').registry, aDraft('MeshService', 'payments'), aTrust('aws-1'))
  await put(mesh.zone('azure-1').registry, aDraft('MeshService', 'orders'))
  await mesh.settle()
  await mesh.zone('aws-1').stop()
  mesh.zones.delete('aws-1')

  await mesh.global.side.forget('aws-1', 'the zone was deleted')
  await mesh.settle()

  assert.deepEqual(namesOf(mesh.global.registry, 'MeshService'), ['azure-1/orders'])
  assert.deepEqual(namesOf(mesh.zone('azure-1').registry, 'MeshService'), ['/orders'])
  assert.deepEqual(namesOf(mesh.zone('azure-1').registry, 'MeshTrust'), [])
  assert.deepEqual(
    mesh.global.side.facts().map(({ zone }) => zone),
    ['azure-1'],
  )
})
