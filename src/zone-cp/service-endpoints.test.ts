import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anApi } from '../api/test-support.ts'
import { openEvents } from '../api/testing-events.ts'
import type { ServiceEndpoint } from '../derive/service-endpoints.ts'
import { goodFacts } from '../derive/test-support.ts'
import type { ResourceDraft } from '../model/resource.ts'
import { factsKey } from './readiness-tracker.ts'
import { aDraft, aZone, type TestZone } from './testing.ts'

const service = (name: string, over: Partial<ResourceDraft> = {}): ResourceDraft => ({
  kind: 'MeshService',
  mesh: 'default',
  name,
  labels: {},
  spec: {
    selector: { dataplaneLabels: { matchLabels: { app: name } } },
    ports: [{ name: 'http', port: 80, targetPort: 'main', appProtocol: 'http' }],
  },
  ...over,
})
const at = (address: string, port = 8080) => ({
  networking: { address, inbound: [{ name: 'main', port, servicePort: 80, protocol: 'http' }] },
})
const path = '/meshes/default/meshservices/shop/_endpoints'

test('an instance is shown with where and how it is, and why it is not healthy', async () => {
  await using zone = await aZone()
  await using api = await anApi({ registry: zone.registry, endpoints: zone.endpoints })
  await zone.put(service('shop'), instance('shop-1', '10.0.0.1'), instance('shop-2', '10.0.0.2'))
  zone.facts.set(factsKey('default', 'shop-2'), goodFacts({ applications: new Map([['main', { ready: false, reason: 'refused' }]]) }))

  const { body } = await api.get(path)
  const healthy = await api.get(`${path}?health=healthy&port=http`)

  assert.deepEqual([body.type, body.name, body.total, body.healthy], ['MeshService', 'shop', 2, 1])
  assert.deepEqual(body.endpoints.map(brief), ['instance shop-1 10.0.0.1:8080 healthy', 'instance shop-2 10.0.0.2:8080 unhealthy'])
  assert.match(body.endpoints[1].reason, /does not answer: refused/)
  assert.deepEqual(body.endpoints[0].service, { name: 'http', port: 80, protocol: 'http' })
  assert.deepEqual(healthy.body.endpoints.map(brief), ['instance shop-1 10.0.0.1:8080 healthy'])
  assert.deepEqual((await api.get(`${path}?port=81`)).body.endpoints, [])
  assert.equal((await api.get(`${path}?health=fine`)).status, 400)
  assert.equal((await api.get('/meshes/default/meshservices/none/_endpoints')).status, 404)
})

test('a service of all zones has its own instances and the gateways of other zones', async () => {
  await using zone = await aZone()
  await using api = await anApi({ registry: zone.registry, endpoints: zone.endpoints })
  await zone.put(service('shop'), instance('shop-1', '10.0.0.1'))
  await synced(zone, 'west', { healthy: 3 })
  await zone.registry.commit([
    {
      kind: 'put',
      draft: {
        kind: 'MeshMultiZoneService',
        mesh: 'default',
        name: 'shop',
        labels: { 'kuma.io/display-name': 'shop' },
        spec: { selector: { meshService: { matchLabels: { 'kuma.io/display-name': 'shop' } } }, ports: [{ name: 'http', port: 8000 }] },
      },
    },
  ])

  const { body } = await api.get('/meshes/default/meshmultizoneservices/shop/_endpoints')

  assert.deepEqual(body.endpoints.map(brief), ['instance shop-1 10.0.0.1:8080 healthy', 'zone gateway-west 192.0.2.7:10001 healthy'])
  assert.deepEqual([body.endpoints[1].instances, body.endpoints[1].weight], [{ healthy: 3, total: 4 }, 3])
  assert.deepEqual(new Set(body.endpoints.map((it: ServiceEndpoint) => it.service.port)), new Set([8000]))

  const index = (await api.get('/meshes/default/meshmultizoneservices/shop/_endpoints')).headers.get('x-skerry-index')
  const wait = api.get(`/meshes/default/meshmultizoneservices/shop/_endpoints?index=${index}&wait=5s`)
  await synced(zone, 'west', { healthy: 0 })
  assert.equal((await wait).body.healthy, 1)
})

test('a reader waits for the next set: a change of health, of instances, or of the service itself', async () => {
  await using zone = await aZone()
  await using api = await anApi({ registry: zone.registry, endpoints: zone.endpoints })
  await zone.put(service('shop'), instance('shop-1', '10.0.0.1'))
  let index = (await api.get(path)).headers.get('x-skerry-index')!
  const after = async (change: () => unknown) => {
    const wait = api.get(`${path}?index=${index}&wait=5s`)
    await new Promise(resolve => setTimeout(resolve, 30))
    await change()
    const answer = await wait
    index = answer.headers.get('x-skerry-index') ?? index
    return answer.body
  }

  const added = await after(() => zone.put(instance('shop-2', '10.0.0.2')))
  const draining = await after(() => zone.facts.set(factsKey('default', 'shop-2'), goodFacts({ draining: true })))
  const removed = await after(() => zone.remove('Dataplane', 'shop-1'))
  const renamed = await after(() =>
    zone.put(service('shop', { spec: { selector: { dataplaneRef: { name: 'other' } }, ports: [{ port: 80 }] } })),
  )
  const selected = await after(() => zone.put(aDraft('other', at('10.0.0.9', 80))))
  const gone = await after(() => zone.remove('MeshService', 'shop'))

  assert.deepEqual(added.endpoints.map(brief), ['instance shop-1 10.0.0.1:8080 healthy', 'instance shop-2 10.0.0.2:8080 healthy'])
  assert.deepEqual([draining.healthy, draining.endpoints[1].health], [1, 'draining'])
  assert.deepEqual(removed.endpoints.map(brief), ['instance shop-2 10.0.0.2:8080 draining'])
  assert.deepEqual(renamed.endpoints, [])
  assert.deepEqual(selected.endpoints.map(brief), ['instance other 10.0.0.9:80 healthy'])
  assert.equal(gone.status, 404)
})

test('what does not change the answer wakes nobody; an index of an earlier process is answered at once', async () => {
  await using zone = await aZone()
  await using api = await anApi({ registry: zone.registry, endpoints: zone.endpoints })
  await zone.put(service('shop'), instance('shop-1', '10.0.0.1'))
  const index = (await api.get(path)).headers.get('x-skerry-index')

  let isAnswered = false
  const wait = api.get(`${path}?index=${index}&wait=300ms`).finally(() => {
    isAnswered = true
  })
  await new Promise(resolve => setTimeout(resolve, 50))
  await zone.put(instance('web-1', '10.0.0.3', 'web'))
  zone.clock.advance(10)
  await new Promise(resolve => setTimeout(resolve, 50))

  assert.equal(isAnswered, false)
  assert.equal((await wait).headers.get('x-skerry-index'), index)
  assert.equal((await api.get(`${path}?index=7&wait=5s`)).body.total, 1)
})

test('a stream brings every set', async () => {
  await using zone = await aZone()
  await using api = await anApi({ registry: zone.registry, endpoints: zone.endpoints })
  await zone.put(service('shop'), instance('shop-1', '10.0.0.1'))
  await using stream = await openEvents(api, path, { accept: 'text/event-stream' })

  const first = await stream.next()
  await zone.put(instance('shop-2', '10.0.0.2'))
  const second = await stream.next()

  assert.deepEqual([first.event, first.data.total, second.data.total], ['endpoints', 1, 2])
  assert.ok(Number(second.id) > Number(first.id))
  await zone.remove('MeshService', 'shop')
  assert.equal(await stream.ended(), true)
})

function instance(name: string, address: string, app = 'shop'): ResourceDraft {
  return { ...aDraft(name, at(address)), labels: { app } }
}

/** What another zone's service, its capacity and its gateway's address are here. */
async function synced(zone: TestZone, from: string, { healthy }: { healthy: number }): Promise<void> {
  const labels = { 'kuma.io/display-name': 'shop', 'kuma.io/zone': from, 'kuma.io/origin': 'zone' }
  const theirs = service(`shop-${from}`, { labels })
  const drafts: ResourceDraft[] = [
    { ...theirs, spec: { ...(theirs.spec as object), state: 'Available' } },
    {
      kind: 'ServiceCapacity',
      mesh: 'default',
      name: `shop-${from}`,
      labels,
      spec: { service: 'shop', healthy, total: 4, weight: healthy },
    },
    {
      kind: 'MeshZoneAddress',
      mesh: 'default',
      name: `gateway-${from}`,
      labels: { ...labels, 'kuma.io/display-name': `gateway-${from}` },
      spec: { address: '192.0.2.7', port: 10001 },
    },
  ]
  await zone.registry.commit(drafts.map(draft => ({ kind: 'put', draft })))
}

function brief({ kind, name, address, port, health }: ServiceEndpoint): string {
  return `${kind} ${name} ${address}:${port} ${health}`
}
