import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leftOut } from '../../adapters/found.ts'
import { anItem } from '../../adapters/test-support.ts'
import type { Dataplane } from '../../model/kinds/dataplane.ts'
import type { DiscoverySource } from '../../model/kinds/discovery-source.ts'
import { kindByName } from '../../model/kinds/index.ts'
import { checkSpec, validateLabels } from '../../model/validate.ts'
import { memoryDisk } from '../../registry/memory-store.ts'
import { aDataplane } from '../testing.ts'
import { aDiscovery, intervalMs } from './testing.ts'

const some = (count: number) =>
  Array.from({ length: count }, (_, index) => anItem(`vm-${index}`, { workload: `app-${index}`, address: `10.0.0.${index + 1}` }))
const query = { mesh: 'default', source: 'vms' }

test('what a source finds becomes Dataplanes without a proxy, with where they run', async () => {
  await using zone = await aDiscovery()
  zone.adapter.items = [
    anItem('vm-1', {
      workload: 'db',
      address: '10.0.0.7',
      labels: { team: 'pay' },
      locality: { region: 'eu central', zone: 'a' },
      namespace: 'prod',
    }),
  ]
  await zone.source()

  await zone.pass(1000)

  const [dataplane] = zone.registry.list<Dataplane>('Dataplane')
  assert.ok(dataplane)
  assert.deepEqual(dataplane.spec.networking, {
    address: '10.0.0.7',
    inbound: [{ port: 8080, name: 'http', protocol: 'http', state: 'Ready' }],
  })
  const { labels } = dataplane
  assert.deepEqual(
    [
      labels['kuma.io/workload'],
      labels['skerry.io/proxy'],
      labels['kuma.io/managed-by'],
      labels['skerry.io/discovery-source'],
      labels['kuma.io/zone'],
    ],
    ['db', 'none', 'skerry-discovery', 'vms', 'east'],
  )
  assert.deepEqual([labels.team, labels['skerry.io/region'], labels['skerry.io/availability-zone']], ['pay', 'eu-central', 'a'])
  assert.deepEqual(validateLabels(labels), [])
  assert.deepEqual(checkSpec(kindByName('Dataplane')!, dataplane.spec).violations, [])
})

test('what does not change is not written again, and what changes together is one write', async () => {
  await using zone = await aDiscovery()
  zone.adapter.items = some(50)
  await zone.source()
  await zone.pass(1000)
  assert.equal(zone.discovery.publisher.commits, 1)
  await zone.pass(3000)
  const { revision } = zone.registry

  await zone.pass(intervalMs * 5)

  assert.ok(zone.adapter.listings > 3)
  assert.equal(zone.registry.revision, revision)
})

test('a rolling restart writes each Dataplane twice at most', async () => {
  await using zone = await aDiscovery()
  zone.adapter.items = some(100)
  await zone.source()
  await zone.pass(2000)
  const writes = new Map<string, number>()
  zone.registry.onChange(({ changes }) => {
    for (const change of changes) {
      const { kind, name } = change.kind === 'put' ? change.resource : change.key
      if (kind === 'Dataplane') writes.set(name, (writes.get(name) ?? 0) + 1)
    }
  })

  for (let index = 0; index < 100; index++) {
    const after = (state: 'starting' | 'ready') => anItem(`vm-${index}-b`, { workload: `app-${index}`, address: `10.0.1.${index}`, state })
    for (const state of ['starting', 'starting', 'ready'] as const) {
      zone.adapter.tell([{ kind: 'seen', item: after(state) }])
      await zone.discovery.settled()
    }
    zone.adapter.tell([
      { kind: 'seen', item: anItem(`vm-${index}`, { workload: `app-${index}`, address: `10.0.0.${index + 1}`, state: 'draining' }) },
    ])
    await zone.discovery.settled()
    zone.adapter.tell([{ kind: 'gone', gone: { id: `vm-${index}`, reason: 'stopped' } }])
    await zone.discovery.settled()
  }

  assert.equal(zone.dataplanes().length, 100)
  assert.ok(
    [...writes.values()].every(count => count <= 2),
    `${Math.max(...writes.values())} writes`,
  )
})

test('while the platform fails, lies or answers in part, everything stays', async () => {
  await using zone = await aDiscovery()
  zone.adapter.items = some(20)
  await zone.source()
  await zone.pass(2000)

  zone.adapter.fail()
  await zone.pass(60_000)
  assert.equal(zone.dataplanes().length, 20)
  assert.equal(zone.discovery.list().sources[0]!.scopes[0]!.state, 'Failing')

  zone.adapter.error = null
  zone.adapter.items = []
  await zone.pass(120_000)
  assert.equal(zone.dataplanes().length, 20)
  const scope = zone.discovery.list().sources[0]!.scopes[0]!
  assert.deepEqual([scope.state, scope.held.length], ['Held', 20])
  assert.deepEqual(zone.discovery.sources()[0]!.state, 'held')

  zone.adapter.items = some(20)
  await zone.pass(300_000)
  assert.equal(zone.discovery.list().sources[0]!.scopes[0]!.state, 'Synced')
  assert.equal(zone.dataplanes().length, 20)
})

test('held removals go when an operator releases them, when another place agrees, and by themselves after a while', async () => {
  const emptied = async () => {
    const zone = await aDiscovery()
    zone.adapter.items = some(10)
    await zone.source()
    await zone.pass(2000)
    zone.adapter.items = []
    await zone.pass(intervalMs * 4)
    assert.equal(zone.dataplanes().length, 10)
    return zone
  }

  await using released = await emptied()
  assert.deepEqual(released.discovery.release(query), { zone: 'east', source: 'vms', removed: 10 })
  await released.discovery.settled()
  assert.deepEqual(released.dataplanes(), [])

  await using agreed = await emptied()
  agreed.adapter.count = 0
  await agreed.pass(intervalMs * 2)
  assert.deepEqual(agreed.dataplanes(), [])

  await using waited = await emptied()
  await waited.pass(16 * 60_000)
  assert.deepEqual(waited.dataplanes(), [])
})

test('after a restart what was found is served, and nothing goes before listings say so', async () => {
  const disk = memoryDisk()
  const clock = new (await import('../../std/clock.ts')).ManualClock()
  {
    await using before = await aDiscovery({ disk, clock })
    before.adapter.items = some(10)
    await before.source()
    await before.pass(2000)
  }

  await using after = await aDiscovery({ disk, clock })
  after.adapter.fail()
  await after.pass(120_000)
  assert.equal(after.dataplanes().length, 10)

  after.adapter.error = null
  after.adapter.items = some(9)
  await after.pass(5 * 60_000 + 2000)
  assert.deepEqual(
    after.dataplanes(),
    some(9)
      .map(item => (item.outcome.kind === 'workload' ? item.outcome.workload.workload : ''))
      .sort(),
  )
})

test('what is found again after a restart is not written again', async () => {
  const disk = memoryDisk()
  const clock = new (await import('../../std/clock.ts')).ManualClock()
  {
    await using before = await aDiscovery({ disk, clock })
    before.adapter.items = some(10)
    await before.source()
    await before.pass(3000)
  }

  await using after = await aDiscovery({ disk, clock })
  after.adapter.items = some(10)
  await after.pass(intervalMs)

  assert.equal(after.discovery.publisher.commits, 0)
})

test('with its source goes what it found, also when the source was deleted while the zone was down', async () => {
  const disk = memoryDisk()
  const clock = new (await import('../../std/clock.ts')).ManualClock()
  {
    await using zone = await aDiscovery({ disk, clock })
    zone.adapter.items = some(3)
    await zone.source()
    await zone.source('others')
    await zone.pass(2000)
    await zone.registry.commit([{ kind: 'delete', key: { kind: 'DiscoverySource', mesh: 'default', name: 'vms' } }])
    await zone.pass(1000)
    assert.equal(zone.dataplanes().length, 3)
    await zone.discovery[Symbol.asyncDispose]()
    await zone.registry.commit([{ kind: 'delete', key: { kind: 'DiscoverySource', mesh: 'default', name: 'others' } }])
  }

  await using after = await aDiscovery({ disk, clock })
  await after.pass(1000)

  assert.deepEqual(after.dataplanes(), [])
})

test('a source that is not enabled asks nothing and keeps what it found', async () => {
  await using zone = await aDiscovery()
  zone.adapter.items = some(3)
  await zone.source()
  await zone.pass(2000)

  await zone.source('vms', { enabled: false })
  await zone.pass(1000)
  const { listings } = zone.adapter
  await zone.pass(60_000)

  assert.equal(zone.adapter.listings, listings)
  assert.equal(zone.dataplanes().length, 3)
})

test('a scope that the source no longer names is kept until an operator releases it', async () => {
  await using zone = await aDiscovery()
  zone.adapter.items = some(3)
  await zone.source()
  await zone.pass(2000)

  zone.adapter.scopes = []
  await zone.pass(30 * 60_000)
  assert.equal(zone.dataplanes().length, 3)
  assert.equal(zone.discovery.list().sources[0]!.scopes[0]!.state, 'Held')

  zone.discovery.release(query)
  await zone.discovery.settled()
  assert.deepEqual(zone.dataplanes(), [])
})

test('what a person wrote under the same name is not touched, and the problem is shown', async () => {
  await using zone = await aDiscovery()
  zone.adapter.items = some(1)
  await zone.source()
  await zone.pass(1000)
  const [{ name } = { name: '' }] = zone.registry.list('Dataplane')
  await zone.registry.commit([{ kind: 'delete', key: { kind: 'DiscoverySource', mesh: 'default', name: 'vms' } }])
  await zone.pass(1000)
  const { mesh, labels, networking } = aDataplane(name, { networking: { address: '10.9.9.9', inbound: [{ port: 80 }] } })
  await zone.put({ kind: 'Dataplane', mesh, name, labels, spec: { networking } })

  await zone.source()
  await zone.pass(2000)

  assert.equal(zone.registry.list<Dataplane>('Dataplane')[0]!.spec.networking.address, '10.9.9.9')
  assert.match(zone.discovery.list().sources[0]!.problems.join(), /somebody else wrote/)
  assert.equal(zone.discovery.explain({ ...query, id: 'vm-0' })?.[0]?.outcome, 'name-taken')
})

test('what has a proxy is matched to what the proxy registers, and is not there twice', async () => {
  await using zone = await aDiscovery()
  zone.adapter.items = [anItem('vm-1', { workload: 'web', address: '10.0.0.1', labels: { team: 'pay' }, locality: { region: 'here' } })]
  await zone.source()
  await zone.pass(1000)
  assert.deepEqual(zone.dataplanes(), ['web'])

  const { mesh, labels, networking } = aDataplane('web-1')
  await zone.put({ kind: 'Dataplane', mesh, name: 'web-1', labels, spec: { networking } })
  await zone.pass(1000)

  const [only, ...others] = zone.registry.list<Dataplane>('Dataplane')
  assert.deepEqual([only?.name, others], ['web-1', []])
  assert.deepEqual([only?.labels.team, only?.labels['skerry.io/region'], only?.labels['skerry.io/proxy']], ['pay', 'here', undefined])
  assert.equal(zone.discovery.explain({ ...query, id: 'vm-1' })?.[0]?.dataplane, 'web-1')
})

test('its status tells of each scope, and is written only when it changes', async () => {
  await using zone = await aDiscovery()
  zone.adapter.items = [...some(2), leftOut({ id: 'vm-9' }, 'it has no port')]
  await zone.source()
  await zone.pass(3000)

  const status = () => zone.registry.get<DiscoverySource>({ kind: 'DiscoverySource', mesh: 'default', name: 'vms' })?.status?.scopes
  const [{ lastSync, ...scope } = { lastSync: undefined }] = status() ?? []
  assert.deepEqual(scope, { scope: 'test/one', zone: 'east', state: 'Synced', workloads: 2, endpoints: 2, leftOut: 1 })
  assert.ok(lastSync)

  zone.adapter.complete = false
  await zone.pass(intervalMs * 1.5)
  assert.deepEqual([status()?.[0]?.state, status()?.[0]?.reason], ['Stale', 'its last listing is not complete: page 2'])
})

test('test lists once and changes nothing; explain says what became of a thing', async () => {
  await using zone = await aDiscovery()
  zone.adapter.items = [...some(1), leftOut({ id: 'vm-9' }, 'it has no port')]
  await zone.source('vms', { enabled: false })
  await zone.pass(1000)

  const tested = await zone.discovery.test(query, AbortSignal.timeout(5000))

  assert.deepEqual(
    tested?.scopes[0]?.things.map(({ id, outcome }) => [id, outcome]),
    [
      ['vm-0', 'dataplane'],
      ['vm-9', 'left-out'],
    ],
  )
  assert.deepEqual(zone.dataplanes(), [])
  await zone.source()
  await zone.pass(1000)
  assert.equal(zone.discovery.explain({ ...query, id: 'vm-9' })?.[0]?.reason, 'it has no port')
  zone.adapter.fail()
  assert.match(
    (await zone.discovery.test(query, AbortSignal.timeout(5000)))?.scopes[0]?.error ?? '',
    /the cloud is down; check the address/,
  )
})

test('what an earlier run of a source matched to a proxy does not become a workload when that proxy goes', async () => {
  await using zone = await aDiscovery()
  const { mesh, labels, networking } = aDataplane('web-1')
  await zone.put({ kind: 'Dataplane', mesh, name: 'web-1', labels, spec: { networking } })
  zone.adapter.items = [anItem('vm-1', { workload: 'web', address: '10.0.0.1' })]
  await zone.source()
  await zone.pass(2000)
  assert.deepEqual(zone.dataplanes(), ['web-1'])

  zone.adapter.items = []
  await zone.source('vms', { limits: { holdFor: '1m' } })
  await zone.pass(2000)
  await zone.registry.commit([{ kind: 'delete', key: { kind: 'Dataplane', mesh, name: 'web-1' } }])
  await zone.pass(2000)

  assert.deepEqual(zone.dataplanes(), [])
})

test('what is called otherwise gets its new name before its old one goes', async () => {
  await using zone = await aDiscovery()
  zone.adapter.items = [anItem('vm-1', { workload: 'web' })]
  await zone.source()
  await zone.pass(1000)
  const counts: number[] = []
  zone.registry.onChange(() => counts.push(zone.dataplanes().length))

  zone.adapter.tell([{ kind: 'seen', item: anItem('vm-1', { workload: 'shop' }) }])
  await zone.discovery.settled()

  assert.deepEqual(zone.dataplanes(), ['shop'])
  assert.deepEqual(counts, [2, 1])
})
