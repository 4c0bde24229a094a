import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aMesh, anInsight, aProxy, aService, inZone } from './testing.ts'
import { anApiOver, aTwoZoneMesh, root } from './testing-api.ts'

test('lists filter, search, sort and page', async () => {
  await using mesh = await anApiOver()
  const { clock, put } = mesh
  for (let number = 0; number < 25; number++) {
    const name = `web-${String(number).padStart(2, '0')}`
    const zone = number % 2 === 0 ? 'aws-1' : 'azure-1'
    await put(
      aProxy(name, { zone, workload: number < 5 ? 'shop' : 'web' }),
      anInsight(name, clock.now(), { zone, connected: number % 5 !== 0 }),
    )
  }
  const names = async (query: string) => (await mesh.get(`/proxies?${query}`, 'ProxyPage')).items.map((it: { name: string }) => it.name)

  assert.deepEqual(await names('size=2&sort=-name'), ['web-24', 'web-23'])
  assert.deepEqual(await names('filter[zone]=aws-1&filter[state]=OFFLINE'), ['web-00', 'web-10', 'web-20'])
  assert.deepEqual(await names('filter[workload]=shop&filter[state]=OFFLINE,SYNCED&sort=-state,name&size=2'), ['web-01', 'web-02'])
  assert.deepEqual(await names('q=B-1&size=3'), ['web-10', 'web-11', 'web-12'])
  const seen: string[] = []
  for (let path: string | null = '/proxies?size=7&filter[zone]=aws-1'; path !== null; ) {
    const page = await mesh.get(path, 'ProxyPage')
    assert.equal(page.total, 13)
    seen.push(...page.items.map((it: { name: string }) => it.name))
    path = page.next === null ? null : page.next.slice(page.next.indexOf('/proxies'))
  }
  assert.equal(new Set(seen).size, 13)
})

test('what a list does not know is refused by name', async () => {
  await using mesh = await anApiOver()
  const refused = async (query: string) => {
    const { status, body } = await mesh.api.get(`${root}/services?${query}`)
    return [status, body.invalid_parameters?.map((it: { field: string }) => it.field)]
  }
  assert.deepEqual(await refused('filter[colour]=red'), [400, ['filter[colour]']])
  assert.deepEqual(await refused('sort=-healthy,colour'), [400, ['sort']])
  assert.deepEqual(await refused('size=0&offset=x&page=2'), [400, ['page', 'size', 'offset']])
  assert.match((await mesh.api.get(`${root}/services?sort=colour`)).body.invalid_parameters[0].reason, /colour.*name, mesh, state/)
})

test('an answer has an ETag that stands as long as nothing of it changes', async () => {
  await using mesh = await aTwoZoneMesh()
  const etagOf = async (path: string) => (await mesh.api.get(root + path)).headers.get('etag')!
  const again = async (path: string, etag: string) => (await mesh.api.get(root + path, { headers: { 'if-none-match': etag } })).status
  const [services, summary] = [await etagOf('/services'), await etagOf('/summary')]
  assert.deepEqual([await again('/services', services), await again('/summary', summary)], [304, 304])

  mesh.link('aws-1')
  assert.deepEqual([await again('/services', services), await again('/summary', summary)], [304, 304])
  await mesh.put(aService('payments', 0, 1))
  assert.deepEqual([await again('/services', services), await again('/summary', summary)], [200, 200])
})

test('what people write is told with who did it; what follows by itself is not', async () => {
  await using mesh = await aTwoZoneMesh()
  const token = await mesh.api.userToken(['admin'], 'ann')
  const permission = { type: 'MeshTrafficPermission', mesh: 'default', name: 'allow', spec: { rules: [] } }
  await mesh.api.put('/meshes/default/meshtrafficpermissions/allow', { ...permission, spec: { default: { action: 'Allow' } } }, { token })
  const put = await mesh.api.put(
    '/meshes/default/meshmultizoneservices/web',
    {
      type: 'MeshMultiZoneService',
      mesh: 'default',
      name: 'web',
      spec: { selector: { meshService: { matchLabels: { app: 'web' } } }, ports: [{ port: 80 }] },
    },
    { token },
  )
  assert.equal(put.status, 201, put.text)
  await mesh.put(inZone('aws-1', { kind: 'MeshGateway', mesh: 'default', name: 'edge', labels: {}, spec: { selector: {}, listeners: [] } }))
  const bulk = {
    items: [
      {
        resource: {
          type: 'MeshGateway',
          mesh: 'default',
          name: 'in-bulk',
          spec: { selector: { matchLabels: { app: 'g' } }, listeners: [{ name: 'main', port: 80, protocol: 'HTTP' }] },
        },
      },
    ],
  }
  const written = await mesh.api.send('POST', '/bulk', bulk, { token })
  assert.equal(written.status, 200, written.text)
  await new Promise(resolve => setTimeout(resolve, 20))

  assert.deepEqual(
    (await mesh.get('/events?filter[name]=in-bulk', 'EventPage')).items.map((it: { by: string }) => it.by),
    ['user ann'],
  )
  await mesh.api.delete('/meshes/default/meshgateways/in-bulk')
  const { items } = await mesh.get('/events?filter[type]=resource.created&size=4', 'EventPage')
  const told = items.map((it: { subject: { name: string }; by: string }) => [it.subject.name, it.by])
  assert.deepEqual(told.slice(0, 3), [
    ['in-bulk', 'user ann'],
    ['edge', 'zone aws-1'],
    ['web', 'user ann'],
  ])
  assert.equal(items[2].revision, Number(put.headers.get('etag')?.replaceAll('"', '')))
  assert.deepEqual((await mesh.get('/events?filter[kind]=MeshService', 'EventPage')).items, [])
})

test('who may see only some meshes sees the rows of those, and nothing of the control plane', async () => {
  await using mesh = await aTwoZoneMesh()
  await mesh.put(aMesh('shop'), aProxy('web-1', { mesh: 'shop' }), anInsight('web-1', mesh.clock.now(), { mesh: 'shop', refusal: 'no' }))
  mesh.link('azure-1', { connected: false })
  await mesh.put({
    kind: 'AccessRoleBinding',
    mesh: '',
    name: 'shop-viewers',
    labels: {},
    spec: { subjects: [{ type: 'Group', name: 'shop' }], roles: ['mesh-viewer'], mesh: 'shop' },
  })
  const token = await mesh.api.userToken(['shop'])
  const get = async (path: string) => (await mesh.api.get(root + path, { token })).body

  const summary = await get('/summary')
  assert.deepEqual([summary.counts.proxies.total, summary.counts.meshes, summary.counts.zones.total], [1, 1, 0])
  assert.deepEqual(
    summary.problems.map((it: { code: string }) => it.code),
    ['SKERRY_PROXY_NACKED'],
  )
  assert.deepEqual(
    (await get('/proxies')).items.map((it: { name: string }) => it.name),
    ['web-1'],
  )
  assert.deepEqual([(await get('/zones')).total, (await get('/services')).total, (await get('/meshes')).total], [0, 0, 1])
  assert.equal((await mesh.api.get(`${root}/proxies/default/pay-1-aws-1`, { token })).status, 404)
  assert.equal((await mesh.api.get(`${root}/summary`, { token: await mesh.api.userToken(['nobody']) })).status, 403)
  assert.equal((await mesh.api.get(`${root}/summary`, { token: null })).status, 401)
})

test('the API describes itself with the schemas that its answers have', async () => {
  await using mesh = await aTwoZoneMesh()
  const { body } = await mesh.api.get(`${root}/openapi.json`)
  assert.equal(body.openapi, '3.1.0')
  const paths = Object.keys(body.paths)
  for (const path of [
    '/summary',
    '/problems',
    '/zones',
    '/zones/{name}',
    '/services',
    '/services/{mesh}/{name}',
    '/workloads',
    '/proxies',
    '/meshes',
    '/policies',
    '/events',
    '/stream',
  ])
    assert.ok(paths.includes(root + path), path)
  const names = body.paths[`${root}/proxies`].get.parameters.map((it: { name: string }) => it.name)
  assert.ok(names.includes('filter[state]') && names.includes('sort'))
  const undescribed: string[] = []
  const look = (schema: Record<string, unknown>, at: string) => {
    for (const [name, property] of Object.entries((schema.properties ?? {}) as Record<string, Record<string, unknown>>)) {
      if (property.description === undefined && property.$ref === undefined) undescribed.push(`${at}.${name}`)
      look(property, `${at}.${name}`)
    }
  }
  for (const [name, schema] of Object.entries(body.components.schemas as Record<string, Record<string, unknown>>))
    if (name !== 'Error') look(schema, name)
  assert.deepEqual(undescribed, [])
  const references = [...JSON.stringify(body).matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name!)
  assert.ok(references.length > 20 && references.every(name => name in body.components.schemas))
})
