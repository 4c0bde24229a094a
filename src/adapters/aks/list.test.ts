import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adapterContract } from '../adapter.contract.ts'
import type { AdapterDeps, OpenAdapter, ScopeListing, Source } from '../adapter.ts'
import { isForApiServer, respondAsApiServer, testDeps, tlsFront } from '../managed-cluster/testing.ts'
import { type Reply, ScriptedPlatform, type ScriptedRequest } from '../scripted-platform.ts'
import { aks } from './list.ts'
import { AKS_SERVER, aksAccess } from './translate.ts'

const subscription = '00000000-0000-0000-0000-00000000000a'
const idOf = (name: string, group = 'shop') =>
  `/subscriptions/${subscription}/resourcegroups/${group}/providers/Microsoft.ContainerService/managedClusters/${name}`

const sourceAt = (endpoint: string, azure: object = {}): Source => ({
  mesh: 'default',
  name: 'clusters',
  spec: {
    type: 'AKS',
    azure: { subscriptions: [subscription], endpoint, caCert: { type: 'EnvVar', envVar: { name: 'CA' } }, ...azure },
    credentials: { type: 'Reference', reference: { type: 'EnvVar', envVar: { name: 'TOKEN' } } },
  },
})

const aCluster = (name: string, properties: object = {}, group?: string) => ({
  id: idOf(name, group),
  name,
  type: 'Microsoft.ContainerService/ManagedClusters',
  location: 'westeurope',
  properties: {
    provisioningState: 'Succeeded',
    powerState: { code: 'Running' },
    fqdn: `${name}.azmk8s.io`,
    resourceUID: `uid-of-${name}`,
    ...properties,
  },
})

function kubeconfig(server: string, user: string): string {
  return `apiVersion: v1
kind: Config
current-context: prod
clusters: [{name: prod, cluster: {server: "${server}"}}]
contexts: [{name: prod, context: {cluster: prod, user: clusterUser}}]
users:
- name: clusterUser
  user: ${user}
`
}

const kubelogin = `{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: kubelogin, args: [get-token, --server-id, ${AKS_SERVER}, --login, devicecode]}}`

/** Opens the adapter on a platform that speaks plain HTTP, over TLS: the library sends no token otherwise. */
async function openOn(platform: string, deps: AdapterDeps, azure?: object): Promise<OpenAdapter> {
  const front = await tlsFront(platform)
  const secret: AdapterDeps['secret'] = async reference =>
    Buffer.from(reference.type === 'EnvVar' && reference.envVar.name === 'CA' ? front.caPem : 'secret')
  const adapter = await aks.open(sourceAt(front.url, azure), { ...deps, secret })
  return Object.assign(adapter, { [Symbol.asyncDispose]: disposingBoth(adapter, front) })
}

function disposingBoth(adapter: OpenAdapter, front: AsyncDisposable): () => Promise<void> {
  const dispose = adapter[Symbol.asyncDispose].bind(adapter)
  return async () => {
    await dispose()
    await front[Symbol.asyncDispose]()
  }
}

/** Where the API server is, plainly: loopback needs no TLS. */
let apiServer = ''
adapterContract('AKS', {
  isPaged: true,
  script: {
    isListing: isForApiServer,
    respond(request, world) {
      if (request.headers.authorization !== 'Bearer secret') return { status: 401, body: { error: { code: 'InvalidAuthenticationToken' } } }
      if (isForApiServer(request)) return respondAsApiServer(request, world)
      if (request.path.endsWith('/listClusterUserCredential')) {
        assert.equal(request.query.get('format'), 'exec')
        const value = Buffer.from(kubeconfig(apiServer, kubelogin)).toString('base64')
        return { body: { kubeconfigs: [{ name: 'clusterUser', value }] } }
      }
      return { body: { value: [aCluster('prod')] } }
    },
  },
  open(baseUrl, deps) {
    apiServer = baseUrl
    return openOn(baseUrl, deps)
  },
})

async function scopesOf(respond: (request: ScriptedRequest) => Reply, azure?: object): Promise<ScopeListing> {
  await using platform = new ScriptedPlatform({ respond })
  await using adapter = await openOn(await platform.start(), testDeps(), azure)
  return await adapter.scopes(AbortSignal.timeout(60_000))
}

test('clusters of a subscription are scopes; those that are stopped or not there yet are suspended', async () => {
  const clusters = [
    aCluster('a'),
    aCluster('b', { powerState: { code: 'Stopped' } }, 'OTHER'),
    aCluster('c', { provisioningState: 'Creating' }),
  ]

  const { complete, scopes } = await scopesOf(() => ({ body: { value: clusters } }))

  assert.equal(complete, true)
  assert.deepEqual(scopes[0], {
    id: `azure/${subscription}/shop/aks/a`,
    identity: 'uid-of-a',
    locality: { cloud: 'azure', account: subscription, region: 'westeurope', cluster: 'a' },
  })
  assert.deepEqual(
    scopes.map(({ id, suspended }) => [id.split('/').slice(2).join('/'), suspended]),
    [
      ['shop/aks/a', undefined],
      ['other/aks/b', 'the cluster is stopped'],
      ['shop/aks/c', 'the cluster is being created'],
    ],
  )
})

test('every page is read, and one that fails makes the listing incomplete', async () => {
  const respond = (last: Reply) => (request: ScriptedRequest) =>
    request.query.get('page') === '2'
      ? last
      : { body: { value: [aCluster('a')], nextLink: `https://${request.headers.host}${request.path}?api-version=2025-01-01&page=2` } }

  const whole = await scopesOf(respond({ body: { value: [aCluster('b')] } }))
  const partial = await scopesOf(respond({ status: 500, body: { error: { code: 'InternalServerError', message: 'broken' } } }))

  assert.deepEqual(
    whole.scopes.map(({ locality }) => locality.cluster),
    ['a', 'b'],
  )
  assert.equal(partial.complete, false)
  assert.deepEqual(
    partial.scopes.map(({ locality }) => locality.cluster),
    ['a'],
  )
})

for (const [status, what, body] of [
  [403, 'denied', { error: { code: 'AuthorizationFailed', message: 'no' } }],
  [429, 'throttled', { error: { code: 'TooManyRequests', message: 'slow down' } }],
  [500, 'unreachable', { error: { code: 'InternalServerError', message: 'broken' } }],
] as const) {
  test(`an answer of ${status} in place of the clusters is told as ${what}`, async () => {
    await assert.rejects(
      scopesOf(() => ({ status, body })),
      { code: 'SKERRY_SOURCE_CALL', what },
    )
  })
}

test('only resource groups and clusters that are named are looked into', async () => {
  const clusters = [aCluster('a'), aCluster('b'), aCluster('a', {}, 'other')]

  const { scopes } = await scopesOf(() => ({ body: { value: clusters } }), { resourceGroups: ['Shop'], clusters: ['a'] })

  assert.deepEqual(
    scopes.map(({ id }) => id),
    [`azure/${subscription}/shop/aks/a`],
  )
})

test('where a kubeconfig calls for kubelogin, a token for the same application does', () => {
  const other = kubelogin.replace(AKS_SERVER, '80faf920-1908-4b52-b5ef-a8e7bedfc67a')

  assert.deepEqual(aksAccess(kubeconfig('https://a', kubelogin)).user, { kind: 'entra', application: AKS_SERVER })
  assert.deepEqual(aksAccess(kubeconfig('https://a', other)).user, { kind: 'entra', application: '80faf920-1908-4b52-b5ef-a8e7bedfc67a' })
})

test('a cluster with local accounts is entered with its certificate', () => {
  const [certificate, key] = ['CERT', 'KEY'].map(text => Buffer.from(text).toString('base64'))

  const { user } = aksAccess(kubeconfig('https://a', `{client-certificate-data: ${certificate}, client-key-data: ${key}, token: t}`))

  assert.deepEqual(user, { kind: 'certificate', certPem: 'CERT', keyPem: 'KEY' })
})

test('what is no kubeconfig is told so', () => {
  for (const text of ['', '<html>', 'clusters: []', '{', kubeconfig('https://a', '{}')])
    assert.throws(() => aksAccess(text), { what: 'garbled' }, text)
})
