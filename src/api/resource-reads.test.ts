import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aDataplane, aMesh, anApi, aService, global, standaloneZone } from './test-support.ts'

test('a resource is found by its KRI, under whatever name it is stored, and its section does not matter', async () => {
  await using api = await anApi()
  await aMesh(api)
  await api.put('/meshes/default/dataplanes/web-1', aDataplane())
  const labels = { 'kuma.io/display-name': 'backend', 'kuma.io/origin': 'global', 'kuma.io/zone': 'azure-1', 'kuma.io/mesh': 'default' }
  await api.registry.commit([
    { kind: 'put', draft: { kind: 'MeshService', mesh: 'default', name: 'backend-x4z', labels, spec: { ports: [] } } },
  ])

  const here = await api.get(`/_kri/kri_dp_default_${standaloneZone.zone}__web-1_http`)
  const remote = await api.get('/_kri/kri_msvc_default_azure-1__backend_')

  assert.deepEqual([here.status, here.body.name, remote.status, remote.body.name], [200, 'web-1', 200, 'backend-x4z'])
  const status = async (kri: string) => (await api.get(`/_kri/${kri}`)).status
  assert.deepEqual(
    [
      await status('bogus'),
      await status('kri_xx____default_'),
      await status('kri_msvc_default_aws-1__backend_'),
      await status('kri_m____nowhere_'),
    ],
    [400, 400, 404, 404],
  )
  assert.equal(await status('kri_m____default_'), 200)
})

test('a resource is shown in the form of Kubernetes where that is asked for, with the labels that people gave it', async () => {
  await using api = await anApi()
  await aMesh(api)
  await api.put('/meshes/default/meshservices/backend', { ...aService(), labels: { team: 'pay' } })
  await api.put('/meshes/default/dataplanes/web-1', aDataplane())

  const service = (await api.get('/meshes/default/meshservices/backend?format=kubernetes&namespace=shop')).body
  const dataplane = (await api.get('/meshes/default/dataplanes/web-1?format=k8s')).body
  const mesh = (await api.get('/meshes/default?format=k8s')).body

  assert.deepEqual([service.kind, service.apiVersion], ['MeshService', 'kuma.io/v1alpha1'])
  assert.deepEqual([service.metadata.namespace, service.metadata.labels], ['shop', { team: 'pay', 'kuma.io/mesh': 'default' }])
  assert.deepEqual([dataplane.mesh, dataplane.metadata.namespace], ['default', 'kuma-system'])
  assert.equal(dataplane.spec.networking.address, '10.0.0.5')
  assert.equal(mesh.metadata.namespace, undefined)
  assert.equal((await api.get('/meshes/default?format=universal')).body.type, 'Mesh')
  assert.deepEqual((await api.get('/meshes/default?format=xml')).body.invalid_parameters, [
    { field: 'format', reason: '"format" must be one of ["k8s", "kubernetes", "universal"]' },
  ])
})

test('Dataplanes are listed by whether they are gateways', async () => {
  await using api = await anApi()
  await aMesh(api)
  await api.put('/meshes/default/dataplanes/web-1', aDataplane())
  const networking = { address: '10.0.0.6', gateway: { type: 'DELEGATED' } }
  assert.equal(
    (await api.put('/meshes/default/dataplanes/edge', { type: 'Dataplane', mesh: 'default', name: 'edge', networking })).status,
    201,
  )
  const names = async (query: string) =>
    (await api.get(`/meshes/default/dataplanes${query}`)).body.items.map((it: { name: string }) => it.name)

  assert.deepEqual(await names('?gateway=true'), ['edge'])
  assert.deepEqual(await names('?gateway=delegated'), ['edge'])
  assert.deepEqual(await names('/_overview?gateway=false'), ['web-1'])
  const wrong = await api.get('/meshes/default/dataplanes?gateway=maybe')
  assert.deepEqual(wrong.body.invalid_parameters[0].field, '/meshes/{mesh}/dataplanes.gateway')
})

test('page sizes are refused in Kuma’s words', async () => {
  await using api = await anApi()
  const reason = async (size: string) => {
    const { body } = await api.get(`/meshes?size=${size}`)
    return [body.detail, body.invalid_parameters[0].reason]
  }

  assert.deepEqual(await reason('0'), ['Invalid page size', 'must be greater than 0'])
  assert.deepEqual(await reason('1001'), ['Invalid page size', 'invalid page size of 1001. Maximum page size is 1000'])
  assert.deepEqual(await reason('x'), ['Invalid page size', 'invalid format'])
})

test('secrets that people wrote are shown to who may read them; the control plane’s own keys are shown to nobody', async () => {
  await using api = await anApi()
  await aMesh(api)
  await api.put('/meshes/default/secrets/mine', { type: 'Secret', mesh: 'default', name: 'mine', data: 'dGVzdAo=' })
  const own = { kind: 'Secret', mesh: 'default', name: 'ca', labels: { 'kuma.io/managed-by': 'skerry' }, spec: { data: 'c2VjcmV0' } }
  await api.registry.commit([{ kind: 'put', draft: own }])

  assert.equal((await api.get('/meshes/default/secrets/mine')).body.data, 'dGVzdAo=')
  assert.deepEqual(
    (await api.get('/secrets')).body.items.map((it: { name: string }) => it.name),
    ['mine'],
  )
  for (const path of ['/meshes/default/secrets/ca', '/meshes/default/secrets/ca?format=k8s']) {
    const answer = await api.get(path)
    assert.deepEqual([answer.status, answer.body.code], [405, 'SKERRY_SECRET_NOT_SHOWN'])
    assert.ok(!answer.text.includes('c2VjcmV0'))
  }
  const viewer = await api.userToken(['viewer'])
  assert.equal((await api.get('/meshes/default/secrets/mine', { token: viewer })).status, 403)
  assert.equal((await api.delete('/meshes/default/secrets/mine')).status, 200)
})

test('the live proxy is not asked, and the answer says what to ask instead', async () => {
  await using zone = await anApi()
  await aMesh(zone)
  await zone.put('/meshes/default/dataplanes/web-1', aDataplane())
  for (const page of ['xds', 'stats', 'clusters']) {
    const answer = await zone.get(`/meshes/default/dataplanes/web-1/${page}`)
    assert.deepEqual([answer.status, answer.body.code], [501, 'SKERRY_PROXY_NOT_ASKED'])
    assert.match(answer.body.fix, /_config/)
    assert.equal((await zone.get(`/meshes/default/dataplanes/nobody/${page}`)).status, 404)
  }
})

test('a proxy’s configuration is shown in Envoy’s words, with what shadow policies would change', async () => {
  await using zone = await anApi()
  await aMesh(zone)
  await zone.put('/meshes/default/dataplanes/web-1', aDataplane())
  const path = '/meshes/default/dataplanes/web-1/_config'
  const listeners = 'type.googleapis.com/envoy.config.listener.v3.Listener'

  const { body } = await zone.get(path)
  assert.ok(Object.values(body.xds[listeners]).length > 0, JSON.stringify(body.xds))
  assert.equal(body.diff, undefined)
  assert.deepEqual((await zone.get(`${path}?shadow=true&include=diff`)).body, { xds: body.xds, diff: [] })

  const rules = [{ default: { http: { streamIdleTimeout: '322s' } } }]
  const shadow = { type: 'MeshTimeout', mesh: 'default', name: 'slow', labels: { 'kuma.io/effect': 'shadow' }, spec: { rules } }
  assert.equal((await zone.put('/meshes/default/meshtimeouts/slow', shadow)).status, 201)
  const { diff } = (await zone.get(`${path}?shadow=true&include=diff`)).body as { diff: { op: string; path: string; value: unknown }[] }
  assert.ok(diff.length > 0 && diff.some(step => JSON.stringify(step.value).includes('322s')), JSON.stringify(diff))
  assert.deepEqual((await zone.get(path)).body.xds, body.xds, 'a shadow changes nothing that applies')
  assert.deepEqual((await zone.get(`${path}?shadow=false&include=diff`)).body.diff, [])

  assert.equal((await zone.get(`${path}?shadow=maybe`)).body.detail, "bad request: unsupported value for query parameter 'shadow'")
  assert.equal((await zone.get(`${path}?include=all`)).body.detail, "bad request: unsupported value for query parameter 'include'")
  assert.equal((await zone.get('/meshes/default/dataplanes/nobody/_config')).status, 404)
})

test('at global a proxy’s configuration is asked for in its zone', async () => {
  await using api = await anApi({ role: global })
  await aMesh(api)
  assert.equal((await api.get('/meshes/default/dataplanes/web-1/_config')).status, 405)
})

test('who asks, which policies there are and how the program is set up', async () => {
  await using api = await anApi({ config: { api: '127.0.0.1:5681' } })

  assert.deepEqual((await api.get('/who-am-i')).body.name, 'admin')
  assert.equal((await api.get('/who-am-i', { token: await api.userToken(['viewer'], 'ann') })).body.name, 'ann')
  const policies = (await api.get('/policies')).body.policies as { name: string; isInbound: boolean; isOutbound: boolean }[]
  assert.deepEqual(
    policies.filter(it => it.name === 'MeshTimeout').map(it => [it.isInbound, it.isOutbound]),
    [[true, true]],
  )
  assert.deepEqual((await api.get('/config')).body, { api: '127.0.0.1:5681' })
  assert.match((await api.get('/', { token: null })).body.version, /preview/)
})
