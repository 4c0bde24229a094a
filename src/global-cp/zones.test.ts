import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Zone } from '../model/kinds/zone.ts'
import type { ZoneInsight } from '../model/kinds/zone-insight.ts'
import { LeaderRole } from '../registry/leader-role.ts'
import { MemoryStore } from '../registry/memory-store.ts'
import { Registry } from '../registry/registry.ts'
import { ManualClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import type { ZoneLink } from '../sync/zone-link.ts'
import { Zones } from './zones.ts'

async function aGlobal() {
  const clock = new ManualClock()
  const store = new MemoryStore()
  const registry = await Registry.open(store, { clock, log: silentLog })
  const leading = new LeaderRole({ leadership: store, role: 'global', log: silentLog })
  let writes = 0
  registry.onChange(() => writes++)
  const settle = () => clock.run(0)
  return {
    clock,
    registry,
    zones: new Zones({ registry, instanceId: 'global-1', leading, clock, log: silentLog }),
    writes: () => writes,
    settle,
    zone: (name: string) => registry.get<Zone>({ kind: 'Zone', mesh: '', name }),
    stored: (name: string) => registry.get<ZoneInsight>({ kind: 'ZoneInsight', mesh: '', name })?.spec,
    async [Symbol.asyncDispose]() {
      await settle()
      await leading[Symbol.asyncDispose]()
      await registry.close()
    },
  }
}

function aLink(facts: Partial<ZoneLink> = {}): ZoneLink {
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
  assert.equal(insight.healthCheck?.time, new Date(1_005_000).toISOString())
})

test('what a zone says of itself need not be readable', async () => {
  await using global = await aGlobal()
  for (const state of ['', 'no JSON', 'null', '[]', '{"connected":"2"}']) global.zones.onLink(aLink({ state }))
  assert.equal((global.zones.insight('east') as ZoneInsight['spec']).proxies, undefined)
})

test('a zone that goes is silent, one that comes back has both connections', async () => {
  await using global = await aGlobal()
  global.zones.onLink(aLink())
  global.zones.onLink(aLink({ connected: false, instance: '', since: 1_010_000, lastError: 'UNAVAILABLE: the zone went away' }))
  await global.settle()
  assert.equal(global.zones.silentSince('east'), 1_010_000)

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

test('a zone counts as silent when it has been away for a while, and none does in the first minute of global', async () => {
  await using global = await aGlobal()
  global.zones.onLink(aLink())
  await global.settle()
  global.zones.onLink(aLink({ connected: false, since: global.clock.now() }))

  await global.clock.run(59_000)
  assert.deepEqual(global.zones.silent(), [])
  await global.clock.run(1_000)
  assert.deepEqual(global.zones.silent(), ['east'])

  global.zones.onLink(aLink({ since: global.clock.now(), instance: 'process-2' }))
  assert.deepEqual(global.zones.silent(), [])
  global.zones.onLink(aLink({ connected: false, since: global.clock.now() }))
  await global.clock.run(4_000)
  assert.deepEqual(global.zones.silent(), [])
  await global.clock.run(1_000)
  assert.deepEqual(global.zones.silent(), ['east'])
})

test('a zone that was connected to a process that was killed reads as gone when it does not come back', async () => {
  await using global = await aGlobal()
  const open = { id: 'a', connectTime: new Date(0).toISOString() }
  const insight = { kind: 'ZoneInsight', mesh: '', name: 'west', labels: {}, spec: { subscriptions: [open] } }
  await global.registry.commit([{ kind: 'put', draft: insight }])

  await global.clock.run(59_000)
  assert.equal(global.stored('west')?.subscriptions?.[0]?.disconnectTime, undefined)
  await global.clock.run(1_000)
  await global.settle()

  assert.equal(global.stored('west')?.subscriptions?.[0]?.disconnectTime, new Date(1_700_000_000_000).toISOString())
})

test('a zone that moves to another replica is written by that one, and its end by the leader when that one died', async () => {
  await using global = await aGlobal()
  const elsewhere = { kind: 'replica', instance: 'global-2' } as const
  global.zones.onLink(aLink())
  await global.settle()
  const writes = global.writes()

  global.zones.onLink(aLink({ since: 1_000_500 }), elsewhere)
  await global.settle()
  assert.equal(global.writes(), writes)
  const shown = global.zones.insight('east') as ZoneInsight['spec']
  assert.deepEqual(
    shown.subscriptions?.map(({ globalInstanceId, disconnectTime }) => [globalInstanceId, disconnectTime !== undefined]),
    [
      ['global-1', true],
      ['global-2', false],
    ],
  )

  global.zones.onLink(aLink({ since: 1_001_000, connected: false }), elsewhere)
  await global.clock.run(60_000)
  assert.equal(global.stored('east')?.subscriptions?.at(-1)?.disconnectTime, new Date(1_001_000).toISOString())
})
