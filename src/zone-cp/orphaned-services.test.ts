import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ResourceDraft } from '../model/resource.ts'
import { aDraft, aZone, type TestZone, turns } from './testing.ts'

const hour = 3_600_000

async function alone(zone: TestZone): Promise<void> {
  await zone.put(aDraft('web-1'))
  await zone.derived.settled()
  await zone.remove('Dataplane', 'web-1')
  await zone.derived.settled()
  assert.ok(zone.get('MeshService', 'web'))
}

async function later(zone: TestZone, ms: number): Promise<void> {
  await zone.clock.run(ms)
  await turns()
}

test('a service that was made for proxies is deleted an hour after the last of them, with what was said of its capacity', async () => {
  await using zone = await aZone()
  await alone(zone)
  await later(zone, hour - 60_000)
  assert.ok(zone.get('MeshService', 'web'))

  await later(zone, 120_000)
  await zone.derived.settled()
  assert.equal(zone.get('MeshService', 'web'), undefined)
  assert.equal(zone.get('ServiceCapacity', 'web'), undefined)
})

test('one that has a proxy again stays, however long it was alone', async () => {
  await using zone = await aZone()
  await alone(zone)
  await later(zone, hour - 60_000)
  await zone.put(aDraft('web-2'))
  await zone.derived.settled()
  await later(zone, 2 * hour)
  assert.ok(zone.get('MeshService', 'web'))
})

test('what a user wrote stays', async () => {
  await using zone = await aZone()
  const spec = { selector: { dataplaneLabels: { matchLabels: { 'kuma.io/workload': 'nobody' } } }, ports: [{ port: 80 }] }
  await zone.put({ kind: 'MeshService', mesh: 'default', name: 'mine', labels: {}, spec })
  await later(zone, 3 * hour)
  assert.ok(zone.get('MeshService', 'mine'))
})

test('what a route names stays until it does so no more', async () => {
  await using zone = await aZone()
  const route: ResourceDraft = {
    kind: 'MeshHTTPRoute',
    mesh: 'default',
    name: 'to-web',
    labels: {},
    spec: {
      to: [
        {
          targetRef: { kind: 'Mesh' },
          rules: [{ matches: [], default: { backendRefs: [{ kind: 'MeshService', labels: { 'kuma.io/display-name': 'web' } }] } }],
        },
      ],
    },
  }
  await zone.put(route)
  await alone(zone)
  await later(zone, 2 * hour)
  assert.ok(zone.get('MeshService', 'web'))

  await zone.remove('MeshHTTPRoute', 'to-web')
  await later(zone, 120_000)
  assert.equal(zone.get('MeshService', 'web'), undefined)
})

test('a proxy that calls a service keeps it; one that merely selects services does not', async () => {
  await using zone = await aZone()
  const networking = {
    address: '10.0.0.2',
    inbound: [{ name: 'main', port: 8080 }],
    outbound: [{ port: 9000, backendRef: { kind: 'MeshService', name: 'web' } }],
  }
  const union = { selector: { meshService: { matchLabels: { 'kuma.io/display-name': 'web' } } }, ports: [{ port: 80 }] }
  await zone.put({ kind: 'MeshMultiZoneService', mesh: 'default', name: 'web', labels: {}, spec: union })
  await zone.put(aDraft('caller', { workload: 'caller', networking }))
  await alone(zone)
  await later(zone, 2 * hour)
  assert.ok(zone.get('MeshService', 'web'))

  await zone.remove('Dataplane', 'caller')
  await later(zone, 120_000)
  assert.equal(zone.get('MeshService', 'web'), undefined)
})
