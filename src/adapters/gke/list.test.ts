import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adapterContract } from '../adapter.contract.ts'
import type { ScopeListing, Source } from '../adapter.ts'
import { isForApiServer, respondAsApiServer, testDeps } from '../managed-cluster/testing.ts'
import { type Reply, ScriptedPlatform, type ScriptedRequest } from '../scripted-platform.ts'
import { gke } from './list.ts'
import { gkeAddress } from './translate.ts'

const sourceAt = (endpoint: string, gcp: object = {}): Source => ({
  mesh: 'default',
  name: 'clusters',
  spec: {
    type: 'GKE',
    gcp: { projects: ['shop'], endpoint, ...gcp },
    credentials: { type: 'Reference', reference: { type: 'EnvVar', envVar: { name: 'TOKEN' } } },
  },
})

const aCluster = (name: string, extra: object = {}) => ({
  name,
  location: 'europe-west3',
  id: `id-of-${name}`,
  status: 'RUNNING',
  endpoint: '10.0.0.2',
  masterAuth: { clusterCaCertificate: 'Q0E=' },
  ...extra,
})

adapterContract('GKE', {
  isPaged: true,
  script: {
    isListing: isForApiServer,
    respond(request, world) {
      if (request.headers.authorization !== 'Bearer secret')
        return { status: 401, body: { error: { code: 401, status: 'UNAUTHENTICATED' } } }
      if (isForApiServer(request)) return respondAsApiServer(request, world)
      return { body: { clusters: [aCluster('prod', { endpoint: `http://${request.headers.host}`, masterAuth: {} })] } }
    },
  },
  open: (baseUrl, deps) => gke.open(sourceAt(baseUrl), deps),
})

async function scopesOf(respond: (request: ScriptedRequest) => Reply, gcp?: object): Promise<ScopeListing> {
  await using platform = new ScriptedPlatform({ respond })
  await using adapter = await gke.open(sourceAt(await platform.start(), gcp), testDeps({ TOKEN: 'secret' }))
  return await adapter.scopes(AbortSignal.timeout(60_000))
}

test('clusters of all locations of a project are scopes', async () => {
  const paths: string[] = []

  const listing = await scopesOf(({ path }) => {
    paths.push(path)
    return { body: { clusters: [aCluster('a'), aCluster('b', { location: 'europe-west3-a', status: 'PROVISIONING' })] } }
  })

  assert.deepEqual(paths, ['/v1/projects/shop/locations/-/clusters'])
  assert.deepEqual(listing.scopes, [
    {
      id: 'gcp/shop/europe-west3/gke/a',
      identity: 'id-of-a',
      locality: { cloud: 'gcp', account: 'shop', region: 'europe-west3', cluster: 'a' },
    },
    {
      id: 'gcp/shop/europe-west3-a/gke/b',
      identity: 'id-of-b',
      locality: { cloud: 'gcp', account: 'shop', region: 'europe-west3', cluster: 'b' },
      suspended: 'the cluster is being created',
    },
  ])
})

test('zones that do not answer make the listing incomplete', async () => {
  const listing = await scopesOf(() => ({ body: { clusters: [aCluster('a')], missingZones: ['europe-west3-b'] } }))

  assert.deepEqual(
    { complete: listing.complete, missing: listing.missing },
    { complete: false, missing: ['project shop: europe-west3-b does not answer'] },
  )
  assert.equal(listing.scopes.length, 1)
})

test('a project that denies us makes the listing incomplete, and the others are in it', async () => {
  const listing = await scopesOf(
    ({ path }) =>
      path.includes('/shop/')
        ? { body: { clusters: [aCluster('a')] } }
        : { status: 403, body: { error: { code: 403, status: 'PERMISSION_DENIED' } } },
    { projects: ['shop', 'other'] },
  )

  assert.match(listing.missing.join(), /^project other: .*PERMISSION_DENIED/)
  assert.equal(listing.scopes.length, 1)
})

for (const [status, what, body] of [
  [403, 'denied', { error: { code: 403, status: 'PERMISSION_DENIED', message: 'no' } }],
  [429, 'throttled', { error: { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'slow down' } }],
  [503, 'unreachable', { error: { code: 503, status: 'UNAVAILABLE', message: 'later' } }],
  [200, 'garbled', '<html>'],
] as const) {
  test(`an answer of ${status} in place of the clusters is told as ${what}`, async () => {
    await assert.rejects(
      scopesOf(() => ({ status, body })),
      { code: 'SKERRY_SOURCE_CALL', what },
    )
  })
}

test('only locations and clusters that are named are looked into', async () => {
  const clusters = [aCluster('a'), aCluster('b'), aCluster('a', { location: 'us-east1' }), aCluster('a', { location: 'europe-west3-c' })]

  const { scopes } = await scopesOf(() => ({ body: { clusters } }), { locations: ['europe-west3'], clusters: ['a'] })

  assert.deepEqual(
    scopes.map(({ id }) => id),
    ['gcp/shop/europe-west3/gke/a', 'gcp/shop/europe-west3-c/gke/a'],
  )
})

test('by name an API server shows a public certificate, by address its own', () => {
  const named = {
    controlPlaneEndpointsConfig: { dnsEndpointConfig: { endpoint: 'gke-1.europe-west3.gke.goog', allowExternalTraffic: true } },
  }
  const closed = {
    controlPlaneEndpointsConfig: { dnsEndpointConfig: { endpoint: 'gke-1.europe-west3.gke.goog', allowExternalTraffic: false } },
  }

  assert.deepEqual(gkeAddress({ ...aCluster('a'), ...named }), { server: 'https://gke-1.europe-west3.gke.goog' })
  assert.deepEqual(gkeAddress({ ...aCluster('a'), ...closed }), { server: 'https://10.0.0.2', caData: 'Q0E=' })
  assert.deepEqual(gkeAddress({ endpoint: 'fd00::2' }), { server: 'https://[fd00::2]' })
})
