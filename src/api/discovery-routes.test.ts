import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryAuditLog } from '../audit/memory-audit-log.ts'
import { systemClock } from '../std/clock.ts'
import type { DiscoveryCall, DiscoveryZones } from './discovery.ts'
import { aMesh, anApi } from './test-support.ts'

const source = (zone: string, name = 'vms') => ({
  zone,
  mesh: 'default',
  name,
  type: 'EC2',
  enabled: true,
  error: '',
  problems: [],
  scopes: [],
})

/** Zones `east` and `west` with a source `vms`; `south` does not answer. */
function someZones() {
  const asked: (DiscoveryCall & { readonly zone: string })[] = []
  const zones: DiscoveryZones = {
    names: () => ['east', 'west', 'south'],
    testWithinMs: 1000,
    ask: async (zone, call) => {
      asked.push({ zone, ...call })
      if (zone === 'south') throw new Error('zone south is not connected')
      if (call.what === 'list') return { sources: [source(zone)], budgets: [] }
      if (call.source !== 'vms') return null
      switch (call.what) {
        case 'explain':
          return [{ zone, scope: 's', id: call.id, facts: {}, outcome: 'dataplane', reason: 'it is one' }]
        case 'release':
          return { zone, source: 'vms', removed: 3 }
        default:
          return { zone, source: 'vms', error: '', fix: '', scopes: [] }
      }
    },
  }
  return { zones, asked }
}

test('sources of all zones are listed, and a zone that cannot be asked is named', async () => {
  await using api = await anApi({ discovery: someZones().zones })

  const { status, body } = await api.get('/discovery/sources')

  assert.equal(status, 200)
  assert.deepEqual(
    body.items.map(({ zone }: { zone: string }) => zone),
    ['east', 'west'],
  )
  assert.deepEqual(body.unreachable, [{ zone: 'south', error: 'zone south is not connected' }])
})

test('one zone is asked where one is named', async () => {
  const { zones, asked } = someZones()
  await using api = await anApi({ discovery: zones })

  const { body } = await api.get('/discovery/sources?zone=west')

  assert.deepEqual(body.items, [source('west')])
  assert.deepEqual(asked, [{ zone: 'west', what: 'list' }])
  assert.equal((await api.get('/discovery/sources?zone=north')).status, 404)
})

test('a source is known by what people call it', async () => {
  const { zones, asked } = someZones()
  await using api = await anApi({ discovery: zones })
  await aMesh(api)
  const draft = {
    kind: 'DiscoverySource',
    mesh: 'default',
    name: 'vms-7b4w',
    labels: { 'kuma.io/display-name': 'vms' },
    spec: { type: 'File', file: { path: '/x' } },
  }
  await api.registry.commit([{ kind: 'put', draft }])

  const { body } = await api.get('/discovery/sources/default/vms-7b4w/explain?zone=east&id=i-1')

  assert.deepEqual(body.items, [{ zone: 'east', scope: 's', id: 'i-1', facts: {}, outcome: 'dataplane', reason: 'it is one' }])
  assert.deepEqual(asked, [{ zone: 'east', what: 'explain', id: 'i-1', mesh: 'default', source: 'vms' }])
})

test('what no zone has is not found, and explain needs to know what', async () => {
  await using api = await anApi({ discovery: someZones().zones })

  assert.equal((await api.send('POST', '/discovery/sources/default/other/test')).status, 404)
  assert.equal((await api.get('/discovery/sources/default/vms/explain')).status, 400)
})

test('to release is on record, and needs the right to change the source', async () => {
  const audit = new MemoryAuditLog(systemClock)
  await using api = await anApi({ discovery: someZones().zones, audit })

  const { body } = await api.send('POST', '/discovery/sources/default/vms/release', { scope: 's' })

  assert.deepEqual(
    body.items.map(({ removed }: { removed: number }) => removed),
    [3, 3],
  )
  const { items } = (await api.get('/audit?limit=5')).body
  const told = items.find(({ verb }: { verb: string }) => verb === 'release')
  assert.deepEqual(told?.detail, { mesh: 'default', source: 'vms', scope: 's', removed: 6 })
  const token = await api.userToken(['nobody'])
  assert.equal((await api.send('POST', '/discovery/sources/default/vms/release', {}, { token })).status, 403)
  assert.deepEqual((await api.get('/discovery/sources', { token })).status, 403)
})
