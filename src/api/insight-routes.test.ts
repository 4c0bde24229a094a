import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aDataplane, aMesh, anApi, aService, global } from './test-support.ts'

const online = { subscriptions: [{ id: 's1', connectTime: '2026-01-01T00:00:00Z', version: { kumaDp: { version: '1.2.3' } } }] }

test('a mesh is told of in numbers: proxies by state, version and type, and what it holds of each kind', async () => {
  await using api = await anApi({ insightOf: key => (key.name === 'web-1' ? online : undefined) })
  await aMesh(api)
  await api.put('/meshes/default/dataplanes/web-1', aDataplane())
  await api.put('/meshes/default/dataplanes/web-2', aDataplane({ name: 'web-2' }))
  await api.put('/meshes/default/meshservices/backend', aService())

  const { status, body } = await api.get('/mesh-insights/default')

  assert.equal(status, 200)
  assert.equal(body.type, 'MeshInsight')
  assert.deepEqual(body.dataplanes, { total: 2, online: 1, offline: 1 })
  assert.deepEqual(body.dataplanesByType, { standard: { total: 2, online: 1, offline: 1 }, gateway: {}, gatewayDelegated: {} })
  assert.deepEqual(body.dpVersions.kumaDp, { '1.2.3': { total: 1, online: 1 }, unknown: { total: 1, offline: 1 } })
  assert.deepEqual(body.resources, { Dataplane: { total: 2 }, MeshService: { total: 1 } })
  assert.deepEqual((await api.get('/mesh-insights')).body.items, [body])
  assert.equal((await api.get('/mesh-insights/nowhere')).status, 404)
  assert.equal((await api.put('/mesh-insights/default', { type: 'MeshInsight', name: 'default' })).status, 405)
  assert.equal((await api.delete('/mesh-insights/default')).status, 405)
})

test('a proxy that is connected, but gets no traffic on some inbound, is partially degraded', async () => {
  const readiness = [
    { inbound: 'http', ready: true },
    { inbound: 'admin', ready: false },
  ]
  await using api = await anApi({ insightOf: () => ({ ...online, readiness }) })
  await aMesh(api)
  await api.put('/meshes/default/dataplanes/web-1', aDataplane())

  assert.deepEqual((await api.get('/mesh-insights/default')).body.dataplanes, { total: 1, partiallyDegraded: 1 })
})

test('services are listed under their display names, over one mesh and over all', async () => {
  await using api = await anApi()
  await aMesh(api)
  await aMesh(api, 'pay')
  await api.put('/meshes/default/meshservices/backend', aService())
  await api.put('/meshes/pay/meshservices/db', aService('db', 'pay'))

  const { body } = await api.get('/service-insights')

  assert.deepEqual(
    body.items.map((it: { mesh: string; name: string; status: string; addressPort: string }) => [
      it.mesh,
      it.name,
      it.status,
      it.addressPort,
    ]),
    [
      ['default', 'backend', 'not_available', 'backend.mesh:80'],
      ['pay', 'db', 'not_available', 'db.mesh:80'],
    ],
  )
  assert.equal((await api.get('/meshes/pay/service-insights')).body.total, 1)
  assert.equal((await api.get('/meshes/pay/service-insights/db')).body.name, 'db')
  assert.equal((await api.get('/meshes/pay/service-insights/backend')).status, 404)
  assert.equal((await api.get('/meshes/nowhere/service-insights')).body.title, 'Failed to retrieve Mesh')
})

test('everything together is told of in numbers, at global with its zones', async () => {
  await using api = await anApi({
    role: global,
    insightOf: key => (key.kind === 'ZoneInsight' && key.name === 'east' ? online : undefined),
  })
  await aMesh(api)
  await api.put('/zones/east', { type: 'Zone', name: 'east', enabled: true })
  await api.put('/zones/west', { type: 'Zone', name: 'west', enabled: true })

  const insight = (await api.get('/global-insight')).body
  assert.deepEqual([insight.meshes, insight.zones.controlPlanes], [{ total: 1 }, { online: 1, total: 2 }])
  assert.deepEqual((await api.get('/global-insights')).body.resources.Zone, { total: 2 })
})
