import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aDataplane, aMesh, anApi, aService, federatedZone, type TestApi } from './test-support.ts'

const aMeshResource = (name: string) => ({ type: 'Mesh', name })
const bulk = (api: TestApi, items: readonly unknown[], query = '', token?: string) =>
  api.send('POST', `/bulk${query}`, { items }, token === undefined ? {} : { token })
const results = (body: { readonly items: readonly { readonly name: string; readonly result: string }[] }) =>
  body.items.map(({ name, result }) => `${name} ${result}`)

test('all items are in force under one revision, whatever their order', async () => {
  await using api = await anApi()
  await aMesh(api)
  await api.put('/meshes/default/meshservices/old', aService('old'))
  await api.put('/meshes/default/meshservices/same', aService('same'))
  const before = api.registry.revision

  const { status, body } = await bulk(api, [
    { resource: aDataplane({ mesh: 'shop' }) },
    { resource: aMeshResource('shop') },
    { resource: aService('same') },
    { resource: { ...aService('old'), labels: { team: 'pay' } } },
    { delete: { type: 'MeshService', mesh: 'default', name: 'gone' }, ignoreNotFound: true },
  ])

  assert.deepEqual([status, body.revision, api.registry.revision], [200, before + 1, before + 1])
  assert.deepEqual(results(body), ['web-1 created', 'shop created', 'same unchanged', 'old updated', 'gone absent'])
  assert.equal((await api.get('/meshes/shop/dataplanes/web-1')).status, 200)
})

test('one wrong item keeps all from being written, and everything wrong with every item is told', async () => {
  await using api = await anApi()
  await aMesh(api)
  const before = api.registry.revision

  const { status, body } = await bulk(api, [
    { resource: aService('fine') },
    { resource: { ...aService('Bad_Name'), spec: { ports: [{ port: 70_000 }], colour: 'red' } } },
    { resource: aDataplane({ mesh: 'nowhere' }) },
    { delete: { type: 'MeshService', mesh: 'default', name: 'absent' } },
  ])

  assert.deepEqual([status, body.code, api.registry.revision], [400, 'SKERRY_BULK_REFUSED', before])
  assert.match(body.detail, /3 of 4 items/)
  const fields = body.invalid_parameters.map(({ field }: { field: string }) => field)
  for (const field of ['items[1].resource.name', 'items[1].resource.spec.ports[0].port', 'items[1].resource.spec.colour']) {
    assert.ok(fields.includes(field), `${field} in ${fields}`)
  }
  assert.ok(fields.includes('items[2].resource.mesh') && fields.includes('items[3]'))
})

test('conditions hold for their item alone, and fail the whole', async () => {
  await using api = await anApi()
  await aMesh(api)
  const { headers } = await api.put('/meshes/default/meshservices/backend', aService())
  const changed = { ...aService(), labels: { a: 'b' } }

  const stale = await bulk(api, [{ resource: changed, ifMatch: 99 }, { resource: aService('new') }])
  const there = await bulk(api, [{ resource: changed, ifNoneMatch: '*' }])
  const fresh = await bulk(api, [
    { resource: changed, ifMatch: headers.get('etag') },
    { resource: aService('new'), ifNoneMatch: '*' },
  ])
  const deleted = await bulk(api, [{ delete: { type: 'MeshService', mesh: 'default', name: 'new' }, ifMatch: fresh.body.revision }])

  assert.deepEqual([stale.status, stale.body.code, stale.body.invalid_parameters[0].field], [412, 'SKERRY_REVISION_CONFLICT', 'items[0]'])
  assert.deepEqual([there.status, fresh.status, deleted.status], [412, 200, 200])
  assert.equal((await api.get('/meshes/default/meshservices/new')).status, 404)
})

test('a dry run says what would happen and writes nothing', async () => {
  await using api = await anApi()
  await aMesh(api)
  const before = api.registry.revision

  const { body } = await bulk(api, [{ resource: aService() }], '?dryRun=true')
  const wrong = await bulk(api, [{ resource: { ...aService(), spec: { x: 1 } } }], '?dryRun=true')

  assert.deepEqual([body.dryRun, results(body), api.registry.revision], [true, ['backend created'], before])
  assert.equal(wrong.status, 400)
  assert.equal((await bulk(api, [], '?dryRun=maybe')).status, 400)
})

test('a mesh goes with what is in it, once its proxies are gone or go with it', async () => {
  await using api = await anApi()
  await aMesh(api)
  await api.put('/meshes/default/meshservices/backend', aService())
  await api.put('/meshes/default/dataplanes/web-1', aDataplane())
  const mesh = { delete: { type: 'Mesh', name: 'default' } }
  const proxy = { delete: { type: 'Dataplane', mesh: 'default', name: 'web-1' } }

  assert.equal((await bulk(api, [mesh])).body.code, 'SKERRY_MESH_IN_USE')
  assert.equal((await bulk(api, [mesh, proxy, { resource: aService('late') }])).status, 400)
  const done = await bulk(api, [mesh, proxy, { delete: { type: 'MeshService', mesh: 'default', name: 'backend' } }])

  assert.equal(done.status, 200, done.text)
  assert.deepEqual([...api.registry.all()], [])
})

test('what may not be written alone may not be written in a bulk either', async () => {
  await using api = await anApi({ role: federatedZone })
  await aMesh(api)
  const viewer = await api.userToken(['viewer'])

  const owned = await bulk(api, [{ resource: aMeshResource('new') }])
  const denied = await bulk(api, [{ resource: aDataplane() }], '', viewer)

  assert.deepEqual([owned.status, owned.body.code], [405, 'SKERRY_OWNED_ELSEWHERE'])
  assert.deepEqual([denied.status, denied.body.code], [403, 'SKERRY_FORBIDDEN'])
  assert.equal((await api.send('POST', '/bulk', { items: [] }, { token: null })).status, 401)
})

test('what is no bulk is refused with its place', async () => {
  await using api = await anApi({ limits: { bulkItems: 2 } })
  await aMesh(api)
  const check = async (body: unknown, field: string, reason: RegExp) => {
    const answer = await api.send('POST', '/bulk', body)
    assert.equal(answer.status, 400)
    const found = answer.body.invalid_parameters.find((it: { field: string }) => it.field === field)
    assert.match(found?.reason ?? answer.text, reason)
  }

  await check([], 'items', /must be a list/)
  await check({ items: [1] }, 'items[0]', /either a resource or a delete/)
  await check({ items: [{ resource: aService(), delete: {} }] }, 'items[0]', /either/)
  await check({ items: [{ resource: { type: 'MeshServise' } }] }, 'items[0].resource.type', /did you mean "MeshService"/)
  await check({ items: [{ resource: { ...aService(), mesh: 7 } }] }, 'items[0].resource.mesh', /must be a string/)
  await check({ items: [{ delete: { type: 'MeshService', name: 'x' } }] }, 'items[0].delete.mesh', /./)
  await check({ items: [{ resource: aService(), ifmatch: '"1"' }] }, 'items[0].ifmatch', /did you mean/)
  await check({ items: [{ resource: aService(), ifMatch: {} }] }, 'items[0].ifMatch', /ETag/)
  await check({ items: [{ resource: aService() }, { delete: aService() }] }, 'items[1]', /named by items\[0\]/)
  await check({ items: [], extra: 1 }, 'extra', /unknown/)
  await check({ items: [1, 2, 3] }, 'items', /at most 2/)
})

test('bulks and single writes at the same time all take effect', async () => {
  await using api = await anApi()
  await aMesh(api)
  const labels = (n: number) => ({ n: String(n) })

  const answers = await Promise.all([
    ...Array.from({ length: 8 }, (_, n) =>
      bulk(api, [{ resource: { ...aService(), labels: labels(n) } }, { resource: { ...aService(`own-${n}`), labels: labels(n) } }]),
    ),
    ...Array.from({ length: 8 }, (_, n) => api.put('/meshes/default/meshservices/backend', { ...aService(), labels: labels(n) })),
  ])

  assert.ok(
    answers.every(({ status }) => status === 200 || status === 201 || status === 409),
    answers.map(({ text }) => text).join(),
  )
  const written = answers.slice(0, 8).filter(({ status }) => status === 200).length
  assert.equal(api.registry.list('MeshService', 'default').length, 1 + written)
  assert.ok(written > 0)
})

test('a role and the binding that gives it may come together; nobody gives more in this way than he holds', async () => {
  await using api = await anApi()
  await aMesh(api)
  const role = (access: string) => ({ type: 'AccessRole', name: 'readers', rules: [{ mesh: 'default', access: [access] }] })
  const binding = { type: 'AccessRoleBinding', name: 'readers', subjects: [{ type: 'Group', name: 'team' }], roles: ['readers'] }
  const keeper = {
    type: 'AccessRole',
    name: 'keeper',
    rules: [{ access: ['READ'] }, { access: ['READ', 'CREATE', 'UPDATE'], types: ['AccessRole', 'AccessRoleBinding'] }],
  }
  const keepers = { type: 'AccessRoleBinding', name: 'keepers', subjects: [{ type: 'User', name: 'ann' }], roles: ['keeper'] }
  const made = await bulk(api, [{ resource: keeper }, { resource: keepers }])
  assert.equal(made.status, 200, JSON.stringify(made.body))
  const ann = await api.userToken([])

  const greedy = await bulk(api, [{ resource: role('DELETE') }, { resource: binding }], '', ann)
  const fair = await bulk(api, [{ resource: binding }, { resource: role('READ') }], '', ann)

  assert.deepEqual([greedy.status, greedy.body.code], [403, 'SKERRY_FORBIDDEN'])
  assert.equal(fair.status, 200, JSON.stringify(fair.body))
  assert.equal((await bulk(api, [{ resource: { ...binding, roles: ['nobody'] } }])).status, 400)
})
