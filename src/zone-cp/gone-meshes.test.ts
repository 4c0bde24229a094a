import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ResourceDraft } from '../model/resource.ts'
import { aDraft, aZone, type TestZone, until } from './testing.ts'

const made = ['MeshService', 'ServiceCapacity', 'MeshTrust']

function left(zone: TestZone): string[] {
  return made.flatMap(kind => zone.registry.list(kind, 'default').map(({ name }) => `${kind} ${name}`))
}

/** As it comes from global: what is in a mesh goes with it, but for what zones made. */
async function meshIsDeleted(zone: TestZone): Promise<void> {
  const permissions = zone.registry.list('MeshTrafficPermission', 'default')
  const identities = zone.registry.list('MeshIdentity', 'default')
  await zone.registry.commit([
    ...[...permissions, ...identities].map(key => ({ kind: 'delete' as const, key })),
    { kind: 'delete', key: { kind: 'Mesh', mesh: '', name: 'default' } },
  ])
}

async function aZoneThatMade(options: Parameters<typeof aZone>[0] = {}): Promise<TestZone> {
  const zone = await aZone(options)
  await zone.put(aDraft('web-1'))
  await zone.derived.settled()
  await until(() => made.every(kind => zone.registry.list(kind, 'default').length > 0))
  return zone
}

test('what a zone made in a mesh goes with the mesh', async () => {
  await using zone = await aZoneThatMade()
  await zone.remove('Dataplane', 'web-1')
  await zone.derived.settled()
  assert.deepEqual(left(zone), ['MeshService web', 'ServiceCapacity web', 'MeshTrust identity-east'])

  await meshIsDeleted(zone)

  await until(() => left(zone).length === 0)
})

test('it stays as long as a proxy is there, and goes with the last', async () => {
  await using zone = await aZoneThatMade()
  await meshIsDeleted(zone)
  await zone.derived.settled()
  await zone.put(aDraft('web-2'))
  await zone.remove('Dataplane', 'web-1')
  await zone.derived.settled()
  assert.ok(zone.get('MeshService', 'web'))

  await zone.remove('Dataplane', 'web-2')

  await until(() => left(zone).length === 0)
})

test('what users wrote, what other zones made, and the keys stay', async () => {
  await using zone = await aZoneThatMade()
  await zone.remove('Dataplane', 'web-1')
  const spec = { selector: { dataplaneLabels: { matchLabels: { 'kuma.io/workload': 'nobody' } } }, ports: [{ port: 80 }] }
  const ofWest = { 'kuma.io/managed-by': 'skerry', 'kuma.io/zone': 'west', 'kuma.io/origin': 'global' }
  const theirs: ResourceDraft = { kind: 'MeshService', mesh: 'default', name: 'theirs', labels: ofWest, spec }
  await zone.put({ kind: 'MeshService', mesh: 'default', name: 'mine', labels: {}, spec })
  await zone.registry.commit([{ kind: 'put', draft: theirs }])
  await zone.derived.settled()
  const secrets = zone.registry.list('Secret', 'default').map(({ name }) => name)
  assert.ok(secrets.length > 0)

  await meshIsDeleted(zone)

  await until(() => zone.get('MeshService', 'web') === undefined && zone.registry.list('MeshTrust', 'default').length === 0)
  await zone.derived.settled()
  assert.deepEqual(
    zone.registry.list('MeshService', 'default').map(({ name }) => name),
    ['mine', 'theirs'],
  )
  assert.deepEqual(
    zone.registry.list('Secret', 'default').map(({ name }) => name),
    secrets,
  )
})

test('a mesh that comes back has the roots that it had', async () => {
  await using zone = await aZoneThatMade()
  await zone.remove('Dataplane', 'web-1')
  const [mesh, identity] = [
    zone.registry.get({ kind: 'Mesh', mesh: '', name: 'default' })!,
    zone.registry.list('MeshIdentity', 'default')[0]!,
  ]
  const [trust] = zone.registry.list('MeshTrust', 'default')
  await meshIsDeleted(zone)
  await until(() => left(zone).length === 0)

  await zone.registry.commit([mesh, identity].map(draft => ({ kind: 'put', draft })))

  await until(() => zone.registry.list('MeshTrust', 'default').length === 1)
  assert.deepEqual(zone.registry.list('MeshTrust', 'default')[0]?.spec, trust?.spec)
})
