import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { SourceCallError } from '../../adapter.ts'
import { someDeps } from '../../test-support.ts'
import { openCluster } from '../cluster.ts'
import { type Meeting, ScriptedCluster } from '../scripted-cluster.ts'

const group = '/apis/multicluster.x-k8s.io'
const exports = `${group}/v1beta1/serviceexports`
const imports = `${group}/v1beta1/serviceimports`

test('a cluster without the API is listed as ever, and nothing is said', async t => {
  const bench = await aBench(t)
  bench.meetings.set(group, { kind: 'status', status: 404 })

  const { complete, missing, items } = await bench.list()

  assert.deepEqual({ complete, missing, found: items.length }, { complete: true, missing: [], found: 1 })
})

test('who may not read exports and imports finds all else', async t => {
  const bench = await aBench(t)
  for (const path of [exports, imports]) bench.meetings.set(path, { kind: 'status', status: 403 })

  const { complete, items } = await bench.list()

  assert.deepEqual([complete, items.map(({ id }) => id)], [true, ['10.0.0.1@shop/web']])
})

test('exports and imports are read in the version that the cluster prefers', async t => {
  const bench = await aBench(t)

  const { complete, items } = await bench.list()

  assert.equal(complete, true)
  assert.deepEqual(
    items.map(({ id, outcome }) => [id, outcome.kind === 'workload' && outcome.workload.labels]),
    [
      ['10.0.0.1@shop/web', { 'skerry.io/exported': 'true' }],
      ['import:shop/pay', {}],
    ],
  )
})

for (const status of [403, 500])
  test(`while they cannot be read any more (${status}), what was known of them goes on, and the list is incomplete`, async t => {
    const bench = await aBench(t)
    const before = await bench.list()
    for (const path of [exports, imports]) bench.meetings.set(path, { kind: 'status', status })

    const during = await bench.list()

    assert.deepEqual(during.items, before.items)
    assert.equal(during.complete, false)
    assert.match(during.missing.join(), /serviceexports: .*goes on/)
    bench.meetings.delete(exports)
    bench.meetings.delete(imports)
    assert.deepEqual(await bench.list().then(({ complete, items }) => ({ complete, items })), { complete: true, items: before.items })
  })

test('what was never read and fails is not taken for nothing: what was exported before a restart would not be any more', async t => {
  const bench = await aBench(t)
  bench.meetings.set(exports, { kind: 'status', status: 500 })

  await assert.rejects(bench.list(), SourceCallError)
})

test('when the API is taken away, so is what came of it', async t => {
  const bench = await aBench(t)
  await bench.list()
  bench.meetings.set(imports, { kind: 'status', status: 404 })

  const { complete, items } = await bench.list()

  assert.deepEqual([complete, items.map(({ id }) => id)], [true, ['10.0.0.1@shop/web']])
})

/** A Service `web` with an endpoint, exported, and an imported `pay`. */
async function aBench(t: TestContext) {
  const cluster = await ScriptedCluster.start()
  t.after(() => cluster[Symbol.asyncDispose]())
  const meetings = new Map<string, Meeting>([
    [group, { kind: 'status', status: 200, body: { kind: 'APIGroup', preferredVersion: { version: 'v1beta1' } } }],
  ])
  cluster.meet = url => meetings.get(url.pathname)
  cluster.put('/api/v1/services', { metadata: { uid: 's', name: 'web', namespace: 'shop' }, spec: { ports: [{ port: 80 }] } })
  cluster.put('/apis/discovery.k8s.io/v1/endpointslices', {
    metadata: { uid: 'l', name: 'web-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
    ports: [{ port: 8080 }],
    endpoints: [{ addresses: ['10.0.0.1'] }],
  })
  cluster.put(exports, { metadata: { uid: 'e', name: 'web', namespace: 'shop' } })
  cluster.put(imports, { metadata: { uid: 'i', name: 'pay', namespace: 'shop' }, spec: { ips: ['10.42.0.7'], ports: [{ port: 443 }] } })
  const connection = {
    id: 'kubernetes/c',
    locality: {},
    server: cluster.url,
    credentials: { kind: 'token', token: async () => 't' },
  } as const
  const adapter = await openCluster(connection, { mesh: 'default', name: 'c', spec: { type: 'Kubernetes' } }, someDeps())
  t.after(() => adapter[Symbol.asyncDispose]())
  return { meetings, list: () => adapter.list({ id: 'kubernetes/c', locality: {} }, AbortSignal.timeout(20_000)) }
}
