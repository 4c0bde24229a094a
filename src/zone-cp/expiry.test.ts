import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aDraft, aZone, turns, until } from './testing.ts'

const offlineAfterMs = 60_000

/** As an agent registered it under an earlier process of the control plane. */
const stored = { ...aDraft('web-1'), labels: { 'kuma.io/workload': 'web', 'kuma.io/managed-by': 'agent' } }

test('a proxy that left without a word is removed after the set time, and is never ready on its way out', async () => {
  await using zone = await aZone({ offlineAfterMs })
  const agent = await zone.agent({})
  agent.tellAll()
  await until(() => zone.proxyState('web-1') === 'ready')
  await agent.breakOff()
  const states: unknown[] = []
  zone.facts.onChange(() => states.push(zone.proxyState('web-1')))
  const { onChange } = zone.readiness
  zone.readiness.onChange = (mesh, name) => {
    states.push(zone.proxyState(name))
    onChange(mesh, name)
  }

  await zone.clock.run(offlineAfterMs - 1000)
  assert.ok(zone.get('Dataplane', 'web-1'))
  await zone.clock.run(10_000)
  await turns()

  assert.equal(zone.get('Dataplane', 'web-1'), undefined)
  assert.equal(zone.facts.size, 0)
  assert.ok(!states.includes('ready'), String(states))
})

test('one that comes back in time stays', async () => {
  await using zone = await aZone({ offlineAfterMs })
  const agent = await zone.agent({})
  await agent.next('registered')
  await agent.breakOff()

  await zone.clock.run(offlineAfterMs - 10_000)
  const again = await zone.agent({})
  await again.next('registered')
  await zone.clock.run(offlineAfterMs * 2)

  assert.ok(zone.get('Dataplane', 'web-1'))
})

test('after a start a known proxy counts as ready for ten seconds, then as not connected, and in the end it is removed', async () => {
  await using zone = await aZone({ offlineAfterMs })
  await zone.put(stored)

  await zone.clock.run(9_000)
  assert.equal(zone.proxyState('web-1'), 'ready')
  await zone.clock.run(6_000)
  assert.equal(zone.proxyState('web-1'), 'not-ready')
  await zone.clock.run(offlineAfterMs)
  await turns()

  assert.equal(zone.get('Dataplane', 'web-1'), undefined)
})

test('what no agent registered is not touched', async () => {
  await using zone = await aZone({ offlineAfterMs })
  await zone.put(aDraft('vm-1'))

  await zone.clock.run(offlineAfterMs * 3)

  assert.ok(zone.get('Dataplane', 'vm-1'))
  assert.equal(zone.proxyState('vm-1'), 'ready')
})
