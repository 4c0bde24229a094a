import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryStore } from '../registry/memory-store.ts'
import { Registry } from '../registry/registry.ts'
import { systemClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import { refuseConnectedZone } from './zone-deletion.ts'

const zone = { kind: 'Zone', mesh: '', name: 'east' }

async function withInsight(subscriptions?: object[]): Promise<Registry> {
  const registry = await Registry.open(new MemoryStore(), { clock: systemClock, log: silentLog })
  const draft = { kind: 'ZoneInsight', mesh: '', name: 'east', labels: {}, spec: { subscriptions } }
  if (subscriptions) await registry.commit([{ kind: 'put', draft }])
  return registry
}

const connectTime = '2026-01-01T00:00:00Z'
const disconnectTime = '2026-01-01T00:01:00Z'

test('a connected zone is not deleted, and the answer says what to do', async () => {
  await using registry = await withInsight([
    { id: 'a', connectTime, disconnectTime },
    { id: 'b', connectTime },
  ])
  assert.throws(() => refuseConnectedZone(registry, zone), { code: 'SKERRY_ZONE_CONNECTED' })
})

test('a zone that is gone, or was never there, may be deleted', async () => {
  await using gone = await withInsight([{ id: 'a', connectTime, disconnectTime }])
  await using never = await withInsight()
  refuseConnectedZone(gone, zone)
  refuseConnectedZone(never, zone)
})

test('what merely has the name of a connected zone is another matter', async () => {
  await using registry = await withInsight([{ id: 'b', connectTime }])
  refuseConnectedZone(registry, { kind: 'Mesh', mesh: '', name: 'east' })
})
