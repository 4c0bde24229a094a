import assert from 'node:assert/strict'
import { test } from 'node:test'
import { typeUrls } from '../envoy/resources.ts'
import { trustSecret } from '../envoy/tls.ts'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { MeshService } from '../model/kinds/mesh-service.ts'
import type { MeshTrust } from '../model/kinds/mesh-trust.ts'
import type { TrustAcknowledgement } from '../model/kinds/trust-acknowledgement.ts'
import { rotationLabel } from '../model/labels.ts'
import type { ResourceDraft } from '../model/resource.ts'
import { memoryDisk } from '../registry/memory-store.ts'
import { aDataplane, aDraft, aZone, type TestZone, turns, until } from './testing.ts'

function anIdentity(name: string, spec: object = {}): ResourceDraft {
  const everyone = { selector: { dataplane: { matchLabels: {} } }, provider: { type: 'Bundled' } }
  return { kind: 'MeshIdentity', mesh: 'default', name, labels: {}, spec: { ...everyone, ...spec } }
}

function trustOf(zone: TestZone, identity: string): MeshTrust | undefined {
  return zone.get<MeshTrust>('MeshTrust', `${identity}-east`)
}

test('a MeshIdentity gets a CA, and a MeshTrust tells other zones its root', async () => {
  await using zone = await aZone()
  await zone.put(aDraft('web-1'))

  const authority = zone.authorities.authorityFor(zone.get<Dataplane>('Dataplane', 'web-1')!)

  assert.equal(authority?.spiffeId, 'spiffe://default.east.mesh.local/workload/web')
  assert.equal(authority.identity, 'kri_mid_default_east__identity_')
  const trust = trustOf(zone, 'identity')!
  assert.equal(trust.spec.trustDomain, 'default.east.mesh.local')
  assert.equal(trust.spec.caBundles[0]!.pem.value, authority.ca.rootPem)
})

test('the MeshTrust is written once: neither another MeshIdentity nor a change that leaves the CA writes it again', async () => {
  await using zone = await aZone()
  const { revision } = trustOf(zone, 'identity')!

  await zone.put(anIdentity('second', { selector: { dataplane: { matchLabels: { tier: 'b' } } } }))
  await zone.put(anIdentity('identity', { selector: { dataplane: { matchLabels: { tier: 'a' } } } }))
  await zone.authorities.settled()

  assert.equal(trustOf(zone, 'identity')!.revision, revision)
  assert.ok(trustOf(zone, 'second'))
})

test('a MeshIdentity whose meshTrustCreation is Disabled signs, and is announced by whoever wrote it', async () => {
  await using zone = await aZone({ bare: true })
  await zone.put(
    { kind: 'Mesh', mesh: '', name: 'default', labels: {}, spec: {} },
    anIdentity('quiet', { provider: { type: 'Bundled', bundled: { meshTrustCreation: 'Disabled' } } }),
    aDraft('web-1'),
  )
  await zone.authorities.settled()

  assert.ok(zone.authorities.authorityFor(zone.get<Dataplane>('Dataplane', 'web-1')!))
  assert.equal(trustOf(zone, 'quiet'), undefined)
})

test('a certificate waits for an identity that comes later', async () => {
  await using zone = await aZone({ bare: true })
  await zone.put({ kind: 'Mesh', mesh: '', name: 'default', labels: {}, spec: {} })
  const agent = await zone.agent({})
  agent.askForCertificate()
  agent.health(true)
  await agent.next('registered')
  await until(() => zone.factsOf('web-1')?.applications.get('main')?.ready === true)
  assert.ok(!agent.received.some(message => message.case === 'certificate'))

  await zone.put(anIdentity('identity'))

  await agent.next('certificate')
})

test('a certificate also waits for labels that an identity selects', async () => {
  await using zone = await aZone({ bare: true })
  await zone.put(
    { kind: 'Mesh', mesh: '', name: 'default', labels: {}, spec: {} },
    anIdentity('identity', { selector: { dataplane: { matchLabels: { 'kuma.io/workload': 'payments' } } } }),
    aDraft('web-1', { workload: 'web' }),
  )
  const waiting = zone.authorities.awaitAuthority(() => zone.get<Dataplane>('Dataplane', 'web-1'), new AbortController().signal)

  await zone.put(aDraft('web-1', { workload: 'payments' }))

  assert.equal((await waiting)?.spiffeId, 'spiffe://default.east.mesh.local/workload/payments')
})

test('whoever waits in vain is let go when it leaves', async () => {
  await using zone = await aZone({ bare: true })
  const leaving = new AbortController()
  const waiting = zone.authorities.awaitAuthority(() => undefined, leaving.signal)

  leaving.abort()

  assert.equal(await waiting, null)
})

test('a CA that cannot be made keeps no other from being made, and is tried again', async () => {
  await using zone = await aZone()
  const commit = zone.registry.commit.bind(zone.registry)
  zone.registry.commit = changes => {
    const isBroken = changes.some(
      change => change.kind === 'put' && change.draft.kind === 'Secret' && change.draft.name.startsWith('ca.a-broken'),
    )
    return isBroken ? Promise.reject(new Error('the disk is full')) : commit(changes)
  }
  await commit([anIdentity('a-broken'), anIdentity('b-good')].map(draft => ({ kind: 'put', draft })))
  await zone.authorities.settled()
  assert.equal(trustOf(zone, 'a-broken'), undefined)
  assert.ok(trustOf(zone, 'b-good'))

  zone.registry.commit = commit
  zone.clock.advance(5000)
  await turns()
  await zone.authorities.settled()

  assert.ok(trustOf(zone, 'a-broken'))
})

/** A healthy proxy that takes every certificate, and its bundles. */
async function aProxy(zone: TestZone, name: string) {
  const agent = await zone.agent({ dataplane: aDataplane(name) })
  agent.tellAll()
  await agent.next('certificate')
  const proxy = await zone.proxy({ name })
  proxy.subscribe(typeUrls.secret, trustSecret)
  await until(() => zone.trust.of('default').counted > 0)
  return { agent, proxy, rootOf: () => zone.factsOf(name)?.certificate?.root }
}

const rotated = (value: string) => ({ ...anIdentity('identity'), labels: { [rotationLabel]: value } })
const signer = (zone: TestZone) => zone.authorities.authorityFor(zone.get<Dataplane>('Dataplane', 'web-1')!)
const bundle = (zone: TestZone) => trustOf(zone, 'identity')!.spec.caBundles.map(({ pem }) => pem.value)

test('a rotation adds a root to the bundle, signs with it when every proxy has taken it, and lets the old one go in the end', async () => {
  await using zone = await aZone()
  const { agent, proxy, rootOf } = await aProxy(zone, 'web-1')
  const before = signer(zone)!.ca

  await zone.put(rotated('1'))
  await zone.pass(1100)
  await until(() => bundle(zone).length === 2)
  assert.equal(signer(zone)!.ca.fingerprint, before.fingerprint, 'it does not sign yet')

  await zone.pass(7000)
  await until(() => signer(zone)!.ca.fingerprint !== before.fingerprint)
  await agent.next('renew')
  assert.equal(bundle(zone).length, 2)
  agent.askForCertificate()
  await until(() => rootOf() === signer(zone)!.ca.fingerprint)

  await zone.pass(600_000 + 10_000)
  await until(() => bundle(zone).length === 1)
  assert.deepEqual(bundle(zone), [signer(zone)!.ca.rootPem])
  await zone.acknowledgements.settled()
  const said = zone.get<TrustAcknowledgement>('TrustAcknowledgement', 'east')!
  assert.deepEqual(said.spec.signedBy, [{ trustDomain: 'default.east.mesh.local', roots: [signer(zone)!.ca.fingerprint] }])
  assert.deepEqual(said.status, {})
  await proxy.close()
})

test('another zone that has not acknowledged a new root keeps it from signing, and is told', async () => {
  await using zone = await aZone()
  await zone.put(aDraft('web-1'))
  await zone.acknowledgements.settled()
  const before = signer(zone)!.ca.fingerprint
  const west = { trustDomain: 'default.east.mesh.local', roots: [before] }
  await zone.registry.commit([
    {
      kind: 'put',
      draft: {
        kind: 'TrustAcknowledgement',
        mesh: 'default',
        name: 'west-x',
        labels: { 'kuma.io/zone': 'west', 'kuma.io/origin': 'global' },
        spec: { trusts: [west], signedBy: [] },
      },
    },
  ])

  await zone.put(rotated('1'))
  await zone.pass(60_000)

  assert.equal(signer(zone)!.ca.fingerprint, before)
  const rotation = zone.get<TrustAcknowledgement>('TrustAcknowledgement', 'east')!.status!.rotation!
  assert.deepEqual(
    rotation.map(({ state, waitingFor }) => [state, waitingFor]),
    [
      ['issuing', undefined],
      ['trusted', ['west']],
    ],
  )
})

test('a change of the trust domain keeps the old one trusted and named until it is out of use', async () => {
  await using zone = await aZone()
  const { agent, proxy } = await aProxy(zone, 'web-1')
  await until(() => zone.get<MeshService>('MeshService', 'web') !== undefined)
  const identities = () => zone.get<MeshService>('MeshService', 'web')!.spec.identities!.map(({ value }) => value)
  const [old, next] = ['spiffe://default.east.mesh.local/workload/web', 'spiffe://corp.example/workload/web']
  assert.deepEqual(identities(), [old])

  await zone.put({ ...anIdentity('identity', { spiffeID: { trustDomain: 'corp.example' } }) })
  await zone.pass(8000)
  await until(() => signer(zone)!.spiffeId === next)
  await zone.derived.settled()

  assert.deepEqual(identities(), [next, old])
  const domains = () => zone.registry.list<MeshTrust>('MeshTrust', 'default').map(trust => trust.spec.trustDomain)
  assert.deepEqual(domains().sort(), ['corp.example', 'default.east.mesh.local'])
  await agent.next('renew')
  agent.askForCertificate()
  await until(() => zone.factsOf('web-1')?.certificate?.root === signer(zone)!.ca.fingerprint)

  await zone.pass(620_000)
  await until(() => domains().length === 1)
  await zone.derived.settled()
  assert.deepEqual([domains(), identities()], [['corp.example'], [next]])
  await proxy.close()
})

test('a rotation goes on where it was after a restart', async () => {
  const disk = memoryDisk()
  let first = ''
  {
    await using before = await aZone({ disk })
    await before.put(aDraft('web-1'))
    first = signer(before)!.ca.fingerprint
    await before.put(rotated('1'))
    await before.pass(1100)
    await until(() => bundle(before).length === 2)
  }
  await using after = await aZone({ disk })
  assert.equal(signer(after)!.ca.fingerprint, first)
  assert.equal(bundle(after).length, 2)
  await after.pass(8000)
  await until(() => signer(after)!.ca.fingerprint !== first)
})
