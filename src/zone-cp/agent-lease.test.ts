import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import { leaseMs } from './agent-lease.ts'
import { aDataplane, aZone, type TestZone, until, zoneIngress } from './testing.ts'

const vm = (extra: object = {}) => ({
  ...aDataplane('web-1', { networking: { address: '10.0.0.7', inbound: [{ name: 'main', port: 8080, protocol: 'http' }] } }),
  labels: { 'kuma.io/workload': 'web', 'skerry.io/proxy': 'none' },
  ...extra,
})

const stateOf = (zone: TestZone) => zone.get<Dataplane>('Dataplane', 'web-1')?.spec.networking.inbound?.[0]?.state
const reasonOf = (zone: TestZone) => zone.readiness.of(zone.get<Dataplane>('Dataplane', 'web-1')!).inbounds.get('main')?.reason

test('a machine’s workload is in rotation while its checks are good', async () => {
  await using zone = await aZone()
  const agent = await zone.agent({ dataplane: vm() })
  await agent.next('registered')
  assert.equal(stateOf(zone), 'NotReady')

  agent.health(true)
  await until(() => stateOf(zone) === 'Ready')

  agent.health(false)
  await until(() => stateOf(zone) === 'NotReady')
  assert.match(reasonOf(zone) ?? '', /its application does not answer: no answer/)
})

test('a machine that falls silent is out of rotation when its lease runs out, says why, and is forgotten later', async () => {
  await using zone = await aZone({ offlineAfterMs: 120_000 })
  const agent = await zone.agent({ dataplane: vm() })
  agent.health(true)
  await until(() => stateOf(zone) === 'Ready')

  await zone.pass(leaseMs - 1000)
  assert.equal(stateOf(zone), 'Ready')
  await zone.pass(1000)

  await until(() => stateOf(zone) === 'NotReady')
  assert.equal(agent.status?.code, 'DEADLINE_EXCEEDED')
  assert.equal(reasonOf(zone), 'the agent on its machine does not renew its registration')
  await zone.pass(130_000)
  await until(() => zone.get('Dataplane', 'web-1') === undefined)
})

test('any sign of life renews the lease, and costs no write', async () => {
  await using zone = await aZone()
  const agent = await zone.agent({ dataplane: vm() })
  agent.health(true)
  await until(() => stateOf(zone) === 'Ready')
  const { revision } = zone.registry

  for (let round = 0; round < 10; round++) {
    await zone.pass(5000)
    agent.send({ case: 'counters', value: { values: {} } })
    await zone.pass(1000)
  }

  assert.equal(stateOf(zone), 'Ready')
  assert.equal(zone.get<Dataplane>('Dataplane', 'web-1')!.revision <= revision, true)
})

test('a machine that drains is out of rotation first, and gone when it says goodbye', async () => {
  await using zone = await aZone()
  const agent = await zone.agent({ dataplane: vm() })
  agent.health(true)
  await until(() => stateOf(zone) === 'Ready')

  agent.drain()
  await until(() => stateOf(zone) === 'NotReady')
  await zone.pass(3000)
  await agent.next('drained')
  assert.notEqual(zone.get('Dataplane', 'web-1'), undefined)

  await agent.breakOff()
  assert.equal(zone.get('Dataplane', 'web-1'), undefined)
})

test('a machine whose connection is lost is out of rotation at once, and back as soon as it is there again', async () => {
  await using zone = await aZone()
  const agent = await zone.agent({ dataplane: vm() })
  agent.health(true)
  await until(() => stateOf(zone) === 'Ready')

  await agent.breakOff()
  await until(() => stateOf(zone) === 'NotReady')

  const again = await zone.agent({ dataplane: vm() })
  again.health(true)
  await until(() => stateOf(zone) === 'Ready')
})

test('a machine that registers again after the control plane has restarted stays in rotation all the while', async () => {
  const { memoryDisk } = await import('../registry/memory-store.ts')
  const disk = memoryDisk()
  {
    await using zone = await aZone({ disk })
    const agent = await zone.agent({ dataplane: vm() })
    agent.health(true)
    await until(() => stateOf(zone) === 'Ready')
  }
  await using zone = await aZone({ disk })
  const seen = new Set([stateOf(zone)])
  zone.registry.onChange(() => void seen.add(stateOf(zone)))

  const agent = await zone.agent({ dataplane: vm() })
  await agent.next('registered')
  agent.health(true)
  await zone.pass(2000)

  assert.deepEqual([...seen], ['Ready'])
})

test('the instance metadata of a zone gateway’s own machine cannot be registered', async () => {
  await using zone = await aZone()
  for (const address of ['169.254.169.254', 'fe80::1', '::ffff:169.254.169.254']) {
    const agent = await zone.agent({ dataplane: vm({ networking: { address, inbound: [{ name: 'main', port: 80 }] } }) })
    assert.equal((await agent.next('refused')).code, 'SKERRY_ADDRESS_REFUSED', address)
  }
})

test('a proxy has no lease: those that call it notice by themselves', async () => {
  await using zone = await aZone()
  const gateway = await zone.agent({ dataplane: aDataplane('gateway-1', { networking: zoneIngress }) })
  await gateway.next('registered')

  await zone.pass(leaseMs * 3)

  assert.equal(gateway.status, null)
})

test('a state that could not be written is written as soon as that can be done', async () => {
  await using zone = await aZone()
  const agent = await zone.agent({ dataplane: vm() })
  agent.health(true)
  await until(() => stateOf(zone) === 'Ready')
  const commit = zone.registry.commit.bind(zone.registry)
  let refused = 0
  zone.registry.commit = () => {
    refused++
    return Promise.reject(new Error('the disk is full'))
  }

  agent.health(false)
  await until(() => refused > 0)
  zone.registry.commit = commit
  await zone.pass(1000)

  await until(() => stateOf(zone) === 'NotReady')
})
