import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Zone } from '../model/kinds/zone.ts'
import type { ZoneInsight } from '../model/kinds/zone-insight.ts'
import { MemoryStore } from '../registry/memory-store.ts'
import { Registry } from '../registry/registry.ts'
import { ManualClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import type { ZoneFacts } from '../sync/zone-facts.ts'
import { Zones } from './zones.ts'

async function aGlobal() {
  const clock = new ManualClock()
  const registry = await Registry.open(new MemoryStore(), { clock, log: silentLog })
  let writes = 0
  registry.onChange(() => writes++)
  const settle = () => clock.run(0)
  return {
    clock,
    registry,
    zones: new Zones({ registry, instanceId: 'global-1', clock, log: silentLog }),
    writes: () => writes,
    settle,
    zone: (name: string) => registry.get<Zone>({ kind: 'Zone', mesh: '', name }),
    stored: (name: string) => registry.get<ZoneInsight>({ kind: 'ZoneInsight', mesh: '', name })?.spec,
    async [Symbol.asyncDispose]() {
      await settle()
      await registry.close()
    },
  }
}

function aLink(facts: Partial<ZoneFacts> = {}): ZoneFacts {
  return {
    zone: 'east',
    connected: true,
    since: 1_000_000,
    lastHeard: 0,
    instance: 'process-1',
    version: '1.0.0',
    revision: 1,
    owedRevision: 0,
    heldRevision: 0,
    behind: [],
    resources: {},
    refused: [],
    lastError: undefined,
    state: '',
    ...facts,
  }
}

test('a zone that connects for the first time becomes a Zone, with an insight of its connection', async () => {
  await using global = await aGlobal()

  global.zones.onLink(aLink())
  await global.settle()

  assert.deepEqual(global.zone('east')?.spec, { enabled: true })
  const [subscription] = global.stored('east')?.subscriptions ?? []
  assert.equal(subscription?.connectTime, new Date(1_000_000).toISOString())
  assert.equal(subscription?.disconnectTime, undefined)
  assert.equal(subscription?.globalInstanceId, 'global-1')
})

test('a Zone that a person wrote stays as it is', async () => {
  await using global = await aGlobal()
  await global.registry.commit([{ kind: 'put', draft: { kind: 'Zone', mesh: '', name: 'east', labels: {}, spec: { enabled: false } } }])

  global.zones.onLink(aLink())
  await global.settle()

  assert.deepEqual(global.zone('east')?.spec, { enabled: false })
})

test('heartbeats change what is shown, and write nothing', async () => {
  await using global = await aGlobal()
  global.zones.onLink(aLink())
  await global.settle()
  const writes = global.writes()

  const state = JSON.stringify({ connected: 2, ready: 1, total: 3 })
  global.zones.onLink(aLink({ lastHeard: 1_005_000, behind: ['MeshTrust'], state }))
  await global.settle()

  assert.equal(global.writes(), writes)
  const insight = global.zones.insight('east') as ZoneInsight['spec']
  assert.deepEqual(insight.proxies, { connected: 2, ready: 1, total: 3 })
  assert.deepEqual(insight.sync?.behind, ['MeshTrust'])
  assert.deepEqual(global.zones.lines(), [{ name: 'east', online: true, lastHeard: new Date(1_005_000).toISOString() }])
})

test('what a zone says of itself need not be readable', async () => {
  await using global = await aGlobal()
  for (const state of ['', 'no JSON', 'null', '[]', '{"connected":"2"}']) global.zones.onLink(aLink({ state }))
  assert.equal((global.zones.insight('east') as ZoneInsight['spec']).proxies, undefined)
})

test('a zone that goes is told with the reason, one that comes back has both connections', async () => {
  await using global = await aGlobal()
  global.zones.onLink(aLink())
  global.zones.onLink(aLink({ connected: false, instance: '', since: 1_010_000, lastError: 'UNAVAILABLE: the zone went away' }))
  assert.deepEqual(global.zones.lines(), [])
  await global.settle()
  assert.deepEqual(global.zones.lines(), [{ name: 'east', online: false, error: 'UNAVAILABLE: the zone went away' }])

  global.zones.onLink(aLink({ since: 1_020_000, instance: 'process-2' }))
  await global.settle()

  const times = global.stored('east')?.subscriptions?.map(({ connectTime, disconnectTime }) => [connectTime, disconnectTime ?? null])
  const at = (ms: number) => new Date(ms).toISOString()
  assert.deepEqual(times, [
    [at(1_000_000), at(1_010_000)],
    [at(1_020_000), null],
  ])
})

test('only the last five connections are remembered', async () => {
  await using global = await aGlobal()
  for (let process = 0; process < 9; process++) global.zones.onLink(aLink({ instance: `process-${process}`, since: process * 1000 }))
  await global.settle()

  assert.equal(global.stored('east')?.subscriptions?.length, 5)
})

test('what global refused of a zone is its error', async () => {
  await using global = await aGlobal()
  global.zones.onLink(aLink({ refused: [{ name: 'Dataplane default/web', reason: 'it is of zone west' }] }))
  await global.settle()

  assert.equal(global.zones.lines()[0]?.error, 'Dataplane default/web was refused: it is of zone west')
})

test('a zone that was deleted does not come back with the last word of its connection', async () => {
  await using global = await aGlobal()
  global.zones.onLink(aLink())
  await global.settle()

  await global.registry.commit([{ kind: 'delete', key: { kind: 'Zone', mesh: '', name: 'east' } }])
  global.zones.forget('east')
  global.zones.onLink(aLink({ connected: false, instance: '', since: 1_010_000 }))
  await global.settle()

  assert.equal(global.zone('east'), undefined)
  assert.equal(global.stored('east'), undefined)
  assert.equal(global.zones.insight('east'), undefined)
})

test('a zone is silent from the moment its connection is lost; in its first minute global counts none as gone', async () => {
  await using global = await aGlobal()
  assert.equal(global.zones.silentSince('east'), null)

  global.zones.onLink(aLink())
  assert.equal(global.zones.silentSince('east'), null)
  global.zones.onLink(aLink({ connected: false, since: 2_000_000 }))
  assert.equal(global.zones.silentSince('east'), 2_000_000)

  const startedAt = global.clock.now()
  await global.clock.run(60_000)
  assert.equal(global.zones.silentSince('west'), startedAt)
})
