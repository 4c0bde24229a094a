import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryStore } from '../registry/memory-store.ts'
import { StoreFullError } from '../registry/store.ts'
import { aDataplane, aMesh, anApi, aService, federatedZone, global } from './test-support.ts'

const web = '/meshes/default/dataplanes/web-1'

test('a resource is created, read, changed and deleted on the path that Kuma has', async () => {
  await using api = await anApi()
  assert.equal((await api.put('/meshes/default', { type: 'Mesh', name: 'default' })).status, 201)

  const created = await api.put(web, aDataplane())
  assert.deepEqual([created.status, created.body], [201, {}])

  const read = await api.get(web)
  assert.equal(read.status, 200)
  assert.equal(read.body.networking.address, '10.0.0.5')
  assert.equal(read.body.kri, 'kri_dp_default_aws-1__web-1_')
  assert.equal(read.body.labels['kuma.io/zone'], 'aws-1')
  assert.equal(read.headers.get('etag'), created.headers.get('etag'))

  const changed = await api.put(web, aDataplane({ port: 9090 }))
  assert.deepEqual([changed.status, changed.body], [200, {}])
  assert.notEqual(changed.headers.get('etag'), created.headers.get('etag'))

  assert.deepEqual((await api.delete(web)).body, {})
  assert.equal((await api.get(web)).status, 404)
  assert.equal((await api.delete(web)).status, 404)
})

test('what was read can be put back, and an equal put changes nothing, not even the revision', async () => {
  await using api = await anApi()
  await aMesh(api)
  await api.put('/meshes/default/meshservices/backend', aService())
  const read = await api.get('/meshes/default/meshservices/backend')

  const again = await api.put('/meshes/default/meshservices/backend', read.body)

  assert.equal(again.status, 200)
  assert.equal(again.headers.get('etag'), read.headers.get('etag'))
  assert.equal(again.headers.get('x-skerry-revision'), read.headers.get('x-skerry-revision'))
})

test('a put leaves the status that control planes have written', async () => {
  await using api = await anApi()
  await aMesh(api)
  await api.put('/meshes/default/meshservices/backend', aService())
  const stored = api.registry.get({ kind: 'MeshService', mesh: 'default', name: 'backend' })!
  await api.registry.commit([{ kind: 'put', draft: { ...stored, status: { vips: [{ ip: '241.0.0.1' }] } } }])

  await api.put('/meshes/default/meshservices/backend', { ...aService(), labels: { team: 'pay' }, status: { vips: [] } })

  const { body } = await api.get('/meshes/default/meshservices/backend')
  assert.deepEqual([body.status.vips, body.labels.team], [[{ ip: '241.0.0.1' }], 'pay'])
})

test('a body must name what the path names', async () => {
  await using api = await anApi()
  await aMesh(api)

  const { status, body } = await api.put(web, { ...aDataplane(), name: 'other', mesh: 'shop' })

  assert.equal(status, 400)
  assert.equal(body.type, '/std-errors')
  assert.equal(body.title, 'Could not process a resource')
  assert.equal(body.code, 'SKERRY_RESOURCE_INVALID')
  assert.deepEqual(body.invalid_parameters, [
    { field: 'mesh', reason: 'mesh from the URL has to be the same as in body' },
    { field: 'name', reason: 'name from the URL has to be the same as in body' },
  ])
  const wrongType = await api.put(web, { ...aService('web-1') })
  assert.deepEqual(wrongType.body.invalid_parameters, [{ field: 'type', reason: 'type from the URL has to be the same as in body' }])
})

test('every mistake in a body is named with its place, and nothing is written', async () => {
  await using api = await anApi()
  await aMesh(api)
  const before = api.registry.revision
  const wrong = { ...aDataplane(), networking: { adress: '10.0.0.5', inbound: [{ port: 'http' }] } }

  const { status, body } = await api.put(web, wrong)

  assert.equal(status, 400)
  const fields = body.invalid_parameters.map((parameter: { field: string }) => parameter.field)
  assert.ok(fields.includes('networking.adress') && fields.includes('networking.inbound[0].port'), fields.join())
  for (const odd of ['[]', '"x"', 'null', '7']) assert.equal((await api.put(web, odd)).status, 400, odd)
  assert.equal((await api.put(web, undefined)).status, 400)
  assert.equal(api.registry.revision, before)
})

test('an unknown mesh is said to be that, for reading and for writing', async () => {
  await using api = await anApi()

  const written = await api.put(web, aDataplane())
  assert.deepEqual([written.status, written.body.title, written.body.detail], [400, 'Could not create a resource', 'Mesh is not found'])
  assert.deepEqual(written.body.invalid_parameters, [{ field: 'mesh', reason: 'mesh of name default is not found' }])
  for (const path of [web, '/meshes/default/dataplanes', '/meshes/default/dataplanes/_overview']) {
    const { status, body } = await api.get(path)
    assert.deepEqual(
      [status, body.title, body.detail, body.code],
      [404, 'Failed to retrieve Mesh', 'Not found', 'SKERRY_MESH_NOT_FOUND'],
      path,
    )
    assert.match(body.fix, /skerry get meshes/)
  }
})

test('a path of no kind is answered with a guess', async () => {
  await using api = await anApi()

  for (const path of ['/meshes/default/meshservice/x', '/meshes/default/meshservcies', '/msvc']) {
    const { status, body } = await api.get(path)
    assert.deepEqual([status, body.code], [404, 'SKERRY_PATH_UNKNOWN'], path)
    assert.match(body.fix, /did you mean meshservices/, path)
  }
  assert.equal((await api.get('/nothing/like/it')).status, 404)
  const wrongMethod = await api.send('POST', '/meshes/default/meshservices', aService())
  assert.deepEqual([wrongMethod.status, wrongMethod.body.code], [405, 'SKERRY_METHOD_NOT_ALLOWED'])
  const badUrl = await api.get('/meshes/%zz/dataplanes')
  assert.deepEqual([badUrl.status, badUrl.body.code], [400, 'SKERRY_URL_MALFORMED'])
})

test('insights are read only', async () => {
  await using api = await anApi()
  await aMesh(api)

  const { status, body } = await api.delete('/meshes/default/dataplane-insights/web-1')

  assert.deepEqual([status, body.title, body.code], [405, 'Method not Allowed', 'SKERRY_READ_ONLY'])
})

test('two writers that read the same revision: the second is told', async () => {
  await using api = await anApi()
  await aMesh(api)
  const { headers } = await api.put(web, aDataplane())
  const ifMatch = { headers: { 'if-match': headers.get('etag')! } }

  const first = await api.put(web, aDataplane({ port: 9090 }), ifMatch)
  const second = await api.put(web, aDataplane({ port: 7070 }), ifMatch)

  assert.deepEqual([first.status, second.status, second.body.code], [200, 412, 'SKERRY_REVISION_CONFLICT'])
  assert.equal((await api.delete(web, ifMatch)).status, 412)
  assert.equal((await api.put(web, aDataplane(), { headers: { 'if-none-match': '*' } })).status, 412)
  assert.equal((await api.put('/meshes/default/dataplanes/web-2', aDataplane({ name: 'web-2' }), ifMatch)).status, 412)
  assert.equal(
    (await api.put('/meshes/default/dataplanes/web-2', aDataplane({ name: 'web-2' }), { headers: { 'if-none-match': '*' } })).status,
    201,
  )
})

test('writers without a condition all get through, one after the other', async () => {
  await using api = await anApi()
  await aMesh(api)

  const answers = await Promise.all([1, 2, 3, 4].map(i => api.put(web, aDataplane({ port: 8000 + i }))))

  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 200, 201])
})

test('a reader that has the newest value is told so', async () => {
  await using api = await anApi()
  await aMesh(api)
  const { headers } = await api.put(web, aDataplane())

  const again = await api.get(web, { headers: { 'if-none-match': headers.get('etag')! } })

  assert.deepEqual([again.status, again.text], [304, ''])
})

test('a dry run says what would happen and changes nothing', async () => {
  await using api = await anApi()
  await aMesh(api)
  const before = api.registry.revision

  const created = await api.put(`${web}?dryRun=true`, aDataplane())
  assert.deepEqual([created.status, created.body], [201, { dryRun: true, result: 'created' }])
  assert.equal((await api.put(`${web}?dryRun=true`, { ...aDataplane(), networking: {} })).status, 400)
  assert.equal((await api.put(`${web}?dryRun=yes`, aDataplane())).status, 400)
  assert.equal((await api.delete('/meshes/default?dryRun=true')).status, 200)
  assert.equal(api.registry.revision, before)
})

test('lists come in pages whose next is a whole URL, filtered by name and labels', async () => {
  await using api = await anApi()
  await aMesh(api)
  await aMesh(api, 'shop')
  for (const i of [1, 2, 3])
    await api.put(`/meshes/default/dataplanes/web-${i}`, aDataplane({ name: `web-${i}`, labels: { app: i === 3 ? 'api' : 'web' } }))
  await api.put('/meshes/shop/dataplanes/cart', aDataplane({ name: 'cart', mesh: 'shop' }))
  const names = ({ body }: { body: { items: { name: string }[] } }) => body.items.map(({ name }) => name)

  const first = await api.get('/meshes/default/dataplanes?size=2')
  assert.deepEqual([first.body.total, names(first)], [3, ['web-1', 'web-2']])
  const second = await api.get(first.body.next.slice(api.url.length))
  assert.deepEqual([names(second), second.body.next], [['web-3'], null])
  assert.deepEqual(names(await api.get('/dataplanes')), ['web-1', 'web-2', 'web-3', 'cart'])
  assert.deepEqual(names(await api.get('/dataplanes?name=eb-3')), ['web-3'])
  assert.deepEqual(names(await api.get('/meshes/default/dataplanes?filter[labels.app]=api')), ['web-3'])
  assert.deepEqual(names(await api.get('/dataplanes?filter[labels.app]=web&filter[labels.kuma.io/display-name]=web-2')), ['web-2'])
  assert.deepEqual(names(await api.get('/meshes/default/dataplanes?tag=app:api')), ['web-3'])
  assert.deepEqual(names(await api.get('/meshes')), ['default', 'shop'])
  assert.equal((await api.get('/dataplanes?size=5000')).status, 400)
  assert.equal((await api.get('/dataplanes?offset=x')).status, 400)
  const bad = await api.get('/meshes/default/dataplanes?filter[labelds.app]=x')
  assert.deepEqual(bad.body.invalid_parameters, [
    { field: '/meshes/{mesh}/dataplanes.filter[labelds.app]', reason: 'filters are only supported on labels' },
  ])
})

test('the keys of the control plane cannot be replaced or deleted through the API', async () => {
  await using api = await anApi()
  const labels = { 'kuma.io/managed-by': 'skerry' }
  await api.registry.commit([
    { kind: 'put', draft: { kind: 'GlobalSecret', mesh: '', name: 'control-plane-ca', labels, spec: { data: 'AAAA' } } },
  ])

  assert.equal(
    (await api.put('/globalsecrets/control-plane-ca', { type: 'GlobalSecret', name: 'control-plane-ca', data: 'BBBB' })).status,
    405,
  )
  assert.equal((await api.delete('/globalsecrets/control-plane-ca')).status, 405)
})

test('a federated zone does not write what global provides, nor what other zones own', async () => {
  await using api = await anApi({ role: federatedZone })
  await aMesh(api)
  const foreign = (name: string, labels: Record<string, string>) =>
    api.registry.commit([{ kind: 'put', draft: { kind: 'MeshService', mesh: 'default', name, labels, spec: {} } }])
  await foreign('from-azure', { 'kuma.io/origin': 'zone', 'kuma.io/zone': 'azure-1' })

  const mesh = await api.put('/meshes/shop', { type: 'Mesh', name: 'shop' })
  assert.deepEqual([mesh.status, mesh.body.code], [405, 'SKERRY_OWNED_ELSEWHERE'])
  assert.match(mesh.body.fix, /global control plane/)
  assert.equal((await api.put('/zones/azure-1', { type: 'Zone', name: 'azure-1' })).status, 405)
  assert.equal((await api.delete('/meshes/default/meshservices/from-azure')).status, 405)
  assert.equal((await api.put('/meshes/default/meshservices/from-azure', aService('from-azure'))).status, 405)
  assert.equal((await api.put('/meshes/default/meshservices/backend', aService())).status, 201)
})

test('global does not write what belongs to a zone', async () => {
  await using api = await anApi({ role: global })
  await aMesh(api)

  const { status, body } = await api.put(web, aDataplane())

  assert.deepEqual([status, body.code], [405, 'SKERRY_OWNED_ELSEWHERE'])
  assert.equal((await api.put('/zones/aws-1', { type: 'Zone', name: 'aws-1' })).status, 201)
})

test('nobody writes in the name of another zone', async () => {
  await using api = await anApi({ role: federatedZone })
  await aMesh(api)

  const { status, body } = await api.put('/meshes/default/meshservices/backend', { ...aService(), labels: { 'kuma.io/zone': 'azure-1' } })

  assert.equal(status, 400)
  assert.equal(body.invalid_parameters[0].field, 'labels["kuma.io/zone"]')
})

test('a mesh goes with all that was written in it, but not while proxies are in it', async () => {
  await using api = await anApi()
  await aMesh(api)
  await api.put(web, aDataplane())
  await api.put('/meshes/default/meshservices/backend', aService())

  const refused = await api.delete('/meshes/default')
  assert.deepEqual([refused.status, refused.body.code], [400, 'SKERRY_MESH_IN_USE'])
  await api.delete(web)
  assert.equal((await api.delete('/meshes/default')).status, 200)

  assert.deepEqual([...api.registry.all()], [])
})

test('a full store is said to be that, and other failures give nothing away', async () => {
  const store = new MemoryStore()
  await using api = await anApi({ store })
  await aMesh(api)
  const commit = store.commit.bind(store)

  store.commit = async () => Promise.reject(new StoreFullError('/data/store.db'))
  const full = await api.put(web, aDataplane())
  store.commit = async () => Promise.reject(new Error('password is hunter2'))
  const failed = await api.put(web, aDataplane())
  store.commit = commit

  assert.deepEqual([full.status, full.body.code], [507, 'SKERRY_STORE_FULL'])
  assert.deepEqual([failed.status, failed.body.code], [500, 'SKERRY_INTERNAL'])
  assert.ok(!failed.text.includes('hunter2'))
})

test('a Dataplane is shown together with its insight', async () => {
  const insight = { subscriptions: [{ id: '1', connectTime: '2026-11-20T00:00:00Z' }] }
  await using api = await anApi({ insightOf: ({ name }) => (name === 'web-1' ? insight : undefined) })
  await aMesh(api)
  await api.put(web, aDataplane())
  await api.put('/meshes/default/dataplanes/web-2', aDataplane({ name: 'web-2' }))

  const one = await api.get(`${web}/_overview`)
  const all = await api.get('/meshes/default/dataplanes/_overview')

  assert.equal(one.body.type, 'DataplaneOverview')
  assert.equal(one.body.dataplane.networking.address, '10.0.0.5')
  assert.deepEqual(one.body.dataplaneInsight, insight)
  assert.deepEqual(
    all.body.items.map((item: { dataplaneInsight?: unknown }) => item.dataplaneInsight !== undefined),
    [true, false],
  )
  assert.equal((await api.get('/dataplanes/_overview')).body.total, 2)
  assert.equal((await api.get('/meshes/default/dataplanes+insights')).body.total, 2)
  assert.equal((await api.get('/zones/_overview')).body.total, 0)
})

test('a proxy is inspected where it is planned', async () => {
  await using zone = await anApi({ inspectDataplane: (mesh, name) => (name === 'web-1' ? { plan: { mesh, name } } : undefined) })
  await using elsewhere = await anApi({ role: global })
  for (const api of [zone, elsewhere]) await aMesh(api)
  await zone.put(web, aDataplane())
  await zone.put('/meshes/default/dataplanes/web-2', aDataplane({ name: 'web-2' }))
  await elsewhere.registry.commit([
    { kind: 'put', draft: { kind: 'Dataplane', mesh: 'default', name: 'web-1', labels: { 'kuma.io/zone': 'aws-1' }, spec: {} } },
  ])

  assert.deepEqual((await zone.get(`${web}/_inspect`)).body, { plan: { mesh: 'default', name: 'web-1' } })
  assert.equal((await zone.get('/meshes/default/dataplanes/web-2/_inspect')).status, 404)
  const { status, body } = await elsewhere.get(`${web}/_inspect`)
  assert.equal(status, 405)
  assert.match(body.fix, /aws-1/)
})

test('a field that Kuma’s clients still send, and that means nothing, is taken with a warning', async () => {
  await using api = await anApi()

  const { status, body } = await api.put('/meshes/pay', { type: 'Mesh', name: 'pay', skipCreatingInitialPolicies: ['*'] })

  assert.deepEqual([status, body.warnings], [201, ['skipCreatingInitialPolicies has no effect: no policies are created with a mesh']])
  assert.equal((await api.get('/meshes/pay')).body.skipCreatingInitialPolicies, undefined)
  assert.equal((await api.put('/meshes/pay', { type: 'Mesh', name: 'pay', skipCreatingEverything: ['*'] })).status, 400)
})
