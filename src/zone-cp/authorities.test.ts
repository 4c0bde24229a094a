import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { MeshTrust } from '../model/kinds/mesh-trust.ts'
import type { ResourceDraft } from '../model/resource.ts'
import { aDraft, aZone, type TestZone, turns, until } from './testing.ts'

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
