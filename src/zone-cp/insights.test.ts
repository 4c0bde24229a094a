import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DataplaneFacts, unknownDataplane } from '../derive/facts.ts'
import type { DataplaneInsight } from '../model/kinds/dataplane-insight.ts'
import { aDraft, aZone, type TestZone, turns, until } from './testing.ts'

/** How many commits wrote insights, from now on, and of how many proxies each. */
function writesOf(zone: TestZone): number[] {
  const writes: number[] = []
  zone.registry.onChange(({ changes }) => {
    const count = changes.filter(change => change.kind === 'put' && change.resource.kind === 'DataplaneInsight').length
    if (count > 0) writes.push(count)
  })
  return writes
}

function connection(id: string): DataplaneFacts {
  return { ...unknownDataplane, connections: [{ id, controlPlaneId: 'cp-1', connectedAtMs: 1, disconnectedAtMs: null }] }
}

test('the first change after a quiet time is written within moments, what follows once a second', async () => {
  await using zone = await aZone()
  await zone.put(aDraft('web-1'), aDraft('web-2'))
  await zone.clock.run(5000)
  const writes = writesOf(zone)

  zone.facts.set('default/web-1', connection('a'))
  zone.facts.set('default/web-1', connection('b'))
  await zone.clock.run(100)
  assert.deepEqual(writes, [1])

  zone.facts.set('default/web-1', connection('c'))
  zone.facts.set('default/web-2', connection('d'))
  await zone.clock.run(899)
  assert.deepEqual(writes, [1])
  await zone.clock.run(101)
  assert.deepEqual(writes, [1, 2])
})

test('acknowledgements and counters are not written, refusals and their end are', async () => {
  await using zone = await aZone()
  await zone.put(aDraft('web-1'))
  zone.facts.set('default/web-1', connection('a'))
  await zone.clock.run(5000)
  const writes = writesOf(zone)
  const change = (change: Partial<DataplaneFacts>) => zone.facts.update('default/web-1', current => current && { ...current, ...change })

  change({ exchanges: { cds: { sent: 1, acknowledged: 1, rejected: 0, lastUpdateMs: 2 } } })
  await zone.clock.run(5000)
  assert.deepEqual(writes, [])

  change({ refusals: [{ type: 'lds', atMs: 3, reason: 'no such port' }] })
  await zone.clock.run(5000)
  change({ refusals: [{ type: 'lds', atMs: 4, reason: 'another reason' }] })
  await zone.clock.run(5000)
  assert.equal(zone.get<DataplaneInsight>('DataplaneInsight', 'web-1')?.spec.refusals?.[0]?.reason, 'another reason')
  change({ refusals: [] })
  await zone.clock.run(5000)
  assert.equal(writes.length, 3)
})

test('an insight goes with its Dataplane', async () => {
  await using zone = await aZone()
  const agent = await zone.agent({})
  await agent.next('registered')
  await zone.clock.run(5000)
  assert.ok(zone.get('DataplaneInsight', 'web-1'))

  await agent.breakOff()
  await zone.remove('Dataplane', 'web-1')
  await zone.clock.run(5000)

  assert.equal(zone.get('DataplaneInsight', 'web-1'), undefined)
})

test('what is owed at the end is written, and nothing after it', async () => {
  const zone = await aZone()
  const agent = await zone.agent({})
  await agent.next('registered')

  await zone.insights.close()
  assert.equal(zone.get<DataplaneInsight>('DataplaneInsight', 'web-1')?.spec.subscriptions?.length, 1)
  const timers = zone.clock.timers
  await agent.breakOff()

  assert.ok(zone.clock.timers <= timers)
  await zone[Symbol.asyncDispose]()
})

test('a store that fails is told in the log, not to the process', async () => {
  const errors: string[] = []
  const log = { debug() {}, info() {}, warn() {}, error: (event: string) => errors.push(event), child: () => log } as never
  const zone = await aZone({ log })
  await zone.put(aDraft('web-1'))
  zone.registry.commit = () => Promise.reject(new Error('the disk is full'))

  zone.facts.set('default/web-1', connection('a'))
  await zone.clock.run(5000)
  await turns()

  await until(() => errors.includes('insights could not be written'))
  await zone[Symbol.asyncDispose]()
})

test('a new certificate is written: global would take the old one for not renewed', async () => {
  await using zone = await aZone()
  await zone.put(aDraft('web-1'))
  zone.facts.set('default/web-1', connection('a'))
  await zone.clock.run(5000)
  const writes = writesOf(zone)

  zone.facts.update(
    'default/web-1',
    current => current && { ...current, certificate: { issuedAtMs: 5, notAfterMs: 9, issuer: '', issued: 2, root: '' } },
  )
  await zone.clock.run(5000)

  assert.equal(writes.length, 1)
  assert.equal(zone.get<DataplaneInsight>('DataplaneInsight', 'web-1')?.spec.mTLS?.certificateExpirationTime, new Date(9).toISOString())
})
