import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../std/clock.ts'
import { silentLog } from '../../std/log.ts'
import { seededRandom } from '../../std/random.ts'
import { adapterContract } from '../adapter.contract.ts'
import type { AdapterDeps, Listing, Source } from '../adapter.ts'
import { ScriptedPlatform, type ScriptedRequest, type World } from '../scripted-platform.ts'
import { gce } from './list.ts'

const sourceAt = (endpoint: string, gcp: object = {}): Source => ({
  mesh: 'default',
  name: 'vms',
  spec: {
    type: 'GCE',
    gcp: { projects: ['shop'], endpoint, ...gcp },
    credentials: { type: 'Reference', reference: { type: 'EnvVar', envVar: { name: 'TOKEN' } } },
    defaults: { port: 8080, protocol: 'http' },
  },
})

function instance(name: string, index = Number(name.slice(-3)), extra: object = {}) {
  return {
    id: String(7_000_000_000 + index),
    name,
    zone: 'https://www.googleapis.com/compute/v1/projects/shop/zones/europe-west3-a',
    status: 'RUNNING',
    labels: { team: 'shop' },
    networkInterfaces: [{ networkIP: `10.2.${Math.floor(index / 200)}.${1 + (index % 200)}` }],
    ...extra,
  }
}

function respond({ path, query, headers }: ScriptedRequest, world: World) {
  if (headers.authorization !== 'Bearer secret') return { status: 401, body: { error: { code: 401, status: 'UNAUTHENTICATED' } } }
  if (path !== '/compute/v1/projects/shop/aggregated/instances') return { status: 404, body: { error: { code: 404 } } }
  const { names, next } = world.page(query.get('pageToken'))
  const nothing = {
    warning: { code: 'NO_RESULTS_ON_PAGE', message: "There are no results for scope 'zones/europe-west3-b' on this page." },
  }
  const items = {
    'zones/europe-west3-a': names.length > 0 ? { instances: names.map(name => instance(name)) } : nothing,
    'zones/europe-west3-b': nothing,
  }
  return { body: { kind: 'compute#instanceAggregatedList', items, ...(next ? { nextPageToken: next } : {}) } }
}

adapterContract('GCE', {
  script: { respond },
  isPaged: true,
  open: (baseUrl, deps) => gce.open(sourceAt(baseUrl), deps),
  refusals: {
    throttled: { status: 403, body: { error: { code: 403, message: 'Quota exceeded', errors: [{ reason: 'rateLimitExceeded' }] } } },
    denied: { status: 403, body: { error: { code: 403, message: 'Required compute.instances.list', errors: [{ reason: 'forbidden' }] } } },
  },
})

const deps: AdapterDeps = {
  secret: async () => Buffer.from('secret\n'),
  budget: { take: async () => {}, throttled: () => {} },
  clock: systemClock,
  random: seededRandom(1),
  log: silentLog,
}

async function listOf(answer: object, gcp?: object): Promise<Listing> {
  await using platform = new ScriptedPlatform({ respond: () => ({ body: answer }) })
  await using adapter = await gce.open(sourceAt(await platform.start(), gcp), deps)
  const signal = AbortSignal.timeout(30_000)
  const { scopes } = await adapter.scopes(signal)
  return await adapter.list(scopes[0]!, signal)
}

const kind = 'compute#instanceAggregatedList'

test('zones that do not answer make the listing incomplete, and what answers is in it', async () => {
  const listing = await listOf({
    kind,
    unreachables: ['zones/europe-west3-b'],
    items: { 'zones/europe-west3-a': { instances: [instance('a-001')] } },
  })

  assert.deepEqual(
    { complete: listing.complete, missing: listing.missing },
    { complete: false, missing: ['zones/europe-west3-b does not answer'] },
  )
  assert.equal(listing.items.length, 1)
})

test('a warning of a zone other than that this page has nothing of it makes the listing incomplete', async () => {
  const listing = await listOf({ kind, items: { 'zones/europe-west3-a': { warning: { code: 'UNREACHABLE', message: 'down' } } } })

  assert.deepEqual(listing.missing, ['zones/europe-west3-a: UNREACHABLE down'])
})

test('an answer that is no list of instances is not taken for an empty one', async () => {
  await assert.rejects(listOf({}), { name: 'SourceCallError', what: 'garbled' })
})

test('only the regions and zones that are named are looked at', async () => {
  const there = { kind, items: { 'zones/europe-west3-a': { instances: [instance('a-001')] } } }

  assert.equal((await listOf(there, { locations: ['europe-west3'] })).items.length, 1)
  assert.equal((await listOf(there, { locations: ['europe-west4'] })).items.length, 0)
})

test('where only zones are named, each is asked by itself, and one that fails costs its own alone', async () => {
  await using platform = new ScriptedPlatform({
    respond({ path }) {
      if (path.endsWith('/zones/europe-west3-a/instances')) return { body: { kind: 'compute#instanceList', items: [instance('a-001')] } }
      return { status: 500, body: { error: { message: 'backend' } } }
    },
  })
  await using adapter = await gce.open(sourceAt(await platform.start(), { locations: ['europe-west3-a', 'europe-west3-b'] }), deps)
  const signal = AbortSignal.timeout(30_000)

  const listing = await adapter.list((await adapter.scopes(signal)).scopes[0]!, signal)

  assert.equal(listing.items.length, 1)
  assert.match(listing.missing.join(), /^zone europe-west3-b: /)
})

for (const [status, expected] of [
  ['PROVISIONING', 'starting'],
  ['STAGING', 'starting'],
  ['RUNNING', 'ready'],
  ['REPAIRING', 'unhealthy'],
  ['STOPPING', 'draining'],
  ['SUSPENDING', 'draining'],
  ['TERMINATED', 'left out: it does not run: TERMINATED'],
  ['SUSPENDED', 'left out: it does not run: SUSPENDED'],
] as const) {
  test(`an instance that is ${status} is ${expected}`, async () => {
    const { items } = await listOf({ kind, items: { 'zones/europe-west3-a': { instances: [instance('a-001', 1, { status })] } } })

    const { outcome } = items[0]!
    assert.equal(outcome.kind === 'workload' ? outcome.workload.state : `left out: ${outcome.reason}`, expected)
  })
}

test('a node of a cluster is left to the source that looks into clusters', async () => {
  const node = instance('a-001', 1, { labels: { 'goog-gke-node': '' } })

  const { items } = await listOf({ kind, items: { 'zones/europe-west3-a': { instances: [node] } } })

  assert.match(JSON.stringify(items[0]?.outcome), /source of type GKE/)
})
