import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MemoryStore } from '../registry/memory-store.ts'
import { Registry } from '../registry/registry.ts'
import { ManualClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import { aDataplane, aZone, until, zoneIngress } from './testing.ts'
import { doubtAfterMs, ZoneDoubts } from './zone-doubts.ts'

function anAddress(zone: string, port: number) {
  const labels = { 'kuma.io/zone': zone, 'kuma.io/origin': 'global' }
  return { kind: 'MeshZoneAddress', mesh: 'default', name: `gateway-${zone}`, labels, spec: { address: '10.0.0.1', port } }
}

async function theDoubts() {
  const clock = new ManualClock()
  const registry = await Registry.open(new MemoryStore(), { clock, log: silentLog })
  await registry.commit([anAddress('east', 1), anAddress('west', 2), anAddress('north', 3)].map(draft => ({ kind: 'put', draft })))
  const global = { connected: true, silentZones: [] as string[] }
  const doubts = new ZoneDoubts({ registry, zone: 'east', global: () => global, clock, log: silentLog })
  const changes: string[] = []
  doubts.onChange = (mesh, zone) => changes.push(`${mesh} ${zone}`)
  const tell = (gateway: string, reaches: Record<number, boolean>) => {
    const list = Object.entries(reaches).map(([port, reachable]) => ({
      address: `10.0.0.1:${port}`,
      reachable,
      reason: reachable ? '' : 'no connection',
    }))
    doubts.told('default', gateway, list)
  }
  const inDoubt = () => ['east', 'west', 'north'].filter(zone => doubts.doubt('default')(zone) !== null)
  return {
    clock,
    doubts,
    global,
    changes,
    tell,
    inDoubt,
    async [Symbol.asyncDispose]() {
      doubts.close()
      await registry.close()
    },
  }
}

test('a zone that is silent and unreachable for a while is in doubt, with the cause, until it is reached again', async () => {
  await using it = await theDoubts()
  assert.deepEqual(it.doubts.targets('default'), ['10.0.0.1:2', '10.0.0.1:3'])
  it.global.silentZones = ['west']
  it.tell('gateway-1', { 2: false, 3: true })
  assert.deepEqual(it.inDoubt(), [])

  await it.clock.run(doubtAfterMs)
  assert.deepEqual(it.inDoubt(), ['west'])
  assert.equal(it.doubts.doubt('default')('west'), 'global does not hear it, and no gateway of zone east reaches it: no connection')

  it.tell('gateway-1', { 2: true, 3: true })
  assert.deepEqual([it.inDoubt(), it.changes], [[], ['default west', 'default west']])
})

test('a zone that global hears is not in doubt, however unreachable', async () => {
  await using it = await theDoubts()
  it.tell('gateway-1', { 2: false, 3: false })
  await it.clock.run(60_000)
  assert.deepEqual(it.inDoubt(), [])
})

test('a silent zone that one gateway reaches is not in doubt', async () => {
  await using it = await theDoubts()
  it.global.silentZones = ['west']
  it.tell('gateway-1', { 2: false, 3: true })
  it.tell('gateway-2', { 2: true, 3: true })
  await it.clock.run(60_000)
  assert.deepEqual(it.inDoubt(), [])

  it.doubts.told('default', 'gateway-2', null)
  assert.deepEqual(it.inDoubt(), ['west'])
})

test('without global nobody vouches for anybody, and what gateways see decides', async () => {
  await using it = await theDoubts()
  it.global.connected = false
  it.tell('gateway-1', { 2: true, 3: false })
  await it.clock.run(doubtAfterMs)
  assert.deepEqual(it.inDoubt(), ['north'])

  it.global.connected = true
  it.doubts.check()
  assert.deepEqual(it.inDoubt(), [])
})

test('whatever is told: in doubt are zones that nobody vouches for and no gateway reaches, and never the zone itself', async () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant('tell' as const), gateway: fc.constantFrom('g1', 'g2'), west: fc.boolean(), north: fc.boolean() }),
    fc.record({ kind: fc.constant('gone' as const), gateway: fc.constantFrom('g1', 'g2') }),
    fc.record({ kind: fc.constant('global' as const), connected: fc.boolean(), silent: fc.subarray(['east', 'west', 'north']) }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(100, doubtAfterMs) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 30 }), async events => {
      await using it = await theDoubts()
      const reached = new Map<string, Record<string, boolean>>()
      for (const step of events) {
        if (step.kind === 'tell') {
          reached.set(step.gateway, { west: step.west, north: step.north })
          it.tell(step.gateway, { 2: step.west, 3: step.north })
        } else if (step.kind === 'gone') {
          reached.delete(step.gateway)
          it.doubts.told('default', step.gateway, null)
        } else if (step.kind === 'global') {
          Object.assign(it.global, { connected: step.connected, silentZones: step.silent })
          it.doubts.check()
        } else await it.clock.run(step.ms)
        for (const zone of it.inDoubt()) {
          assert.notEqual(zone, 'east')
          assert.ok(!it.global.connected || it.global.silentZones.includes(zone))
          assert.ok(reached.size > 0 && [...reached.values()].every(of => !of[zone]))
        }
      }
      await it.clock.run(doubtAfterMs)
      const expected = ['west', 'north'].filter(
        zone =>
          (!it.global.connected || it.global.silentZones.includes(zone)) &&
          reached.size > 0 &&
          [...reached.values()].every(of => !of[zone]),
      )
      assert.deepEqual(it.inDoubt(), expected)
    }),
    { numRuns: 50 },
  )
})

test('a zone gateway is told where others are, now and when that changes, and what it reports counts', async () => {
  await using zone = await aZone({ global: { connected: true, silentZones: ['west'] } })
  await zone.registry.commit([{ kind: 'put', draft: anAddress('west', 2) }])
  const gateway = await zone.agent({ dataplane: aDataplane('gateway', { workload: 'gateway', networking: zoneIngress }) })
  assert.deepEqual((await gateway.next('watch')).addresses, ['10.0.0.1:2'])

  await zone.registry.commit([{ kind: 'put', draft: anAddress('north', 3) }])
  await until(() => gateway.received.filter(message => message.case === 'watch').length === 2)
  gateway.send({ case: 'reached', value: { addresses: [{ address: '10.0.0.1:2', reachable: false, reason: 'no connection' }] } })
  await zone.clock.run(doubtAfterMs + 100)
  await until(() => zone.doubts.doubt('default')('west') !== null)
  assert.equal(zone.doubts.doubt('default')('north'), null)

  await gateway.breakOff()
  assert.equal(zone.doubts.doubt('default')('west'), null)
})
