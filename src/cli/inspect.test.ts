import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cli, dataplane, fakeApi, meshOf, overview } from './test-support.ts'

test('inspect says on one page what a proxy was told, by whose word, and why it is not ready', async () => {
  const inspection = {
    mesh: 'default',
    name: 'web-1',
    zone: 'azure-1',
    role: 'sidecar',
    connected: true,
    engine: 'skerry',
    version: '0.1.0',
    readiness: {
      proxy: { state: 'ready', reason: '' },
      inbounds: { main: { state: 'not-ready', reason: 'its application does not answer' } },
      listeners: {},
    },
    certificate: { notAfter: new Date(Date.now() + 7_200_500).toISOString() },
    refusals: [],
    warnings: [],
    spiffeId: 'spiffe://default.azure-1.mesh.local/workload/web',
    trustDomains: [],
    listeners: [
      {
        kind: 'inbound',
        name: 'self_inbound_dp_main',
        address: '127.0.0.1',
        port: 8080,
        permissions: { origins: ['kri_mtp_default___allow_'] },
      },
    ],
    clusters: [
      {
        kind: 'service',
        name: 'kri_mzsvc_default___payments_main',
        settings: {
          MeshTimeout: [{ path: 'connectionTimeout', value: '2s', origin: 'default' }],
          MeshLoadBalancingStrategy: [{ path: 'loadBalancer.type', value: 'Random', origin: 'kri_mlbs_default___prefer_#0' }],
        },
        endpoints: { groups: [{ priority: 0, zone: 'aws-1', endpoints: [{ state: 'healthy' }, { state: 'draining' }] }] },
      },
    ],
    onDemand: [],
  }
  await using api = await fakeApi(meshOf([dataplane]), {
    'GET /meshes/default/dataplanes/web-1/_inspect': { status: 200, body: inspection },
  })
  const env = { SKERRY_API: api.url }

  const page = await cli(['inspect', 'dataplane', 'web-1'], { env })

  assert.equal(page.code, 0, page.err)
  assert.match(page.out, /Stream +connected \(skerry 0\.1\.0\)\n/)
  assert.match(page.out, /Certificate +expires in 2h\n/)
  assert.match(page.out, /main +no: its application does not answer\n/)
  assert.match(page.out, /kri_mzsvc_default___payments_main +0 +aws-1 +1\/2\n/)
  assert.match(page.out, /self_inbound_dp_main +kri_mtp_default___allow_\n/)
  assert.match(page.out, /MeshTimeout connectionTimeout +2s +\S+ +built-in default\n/)
  assert.match(page.out, /MeshLoadBalancingStrategy loadBalancer.type +Random +\S+ +kri_mlbs_default___prefer_#0\n/)
  assert.deepEqual(JSON.parse((await cli(['inspect', 'dataplane', 'web-1', '-o', 'json'], { env })).out), inspection)
  assert.equal((await cli(['inspect', 'zone', 'azure-1'], { env })).code, 64)
})

test('inspect falls back to what the registry knows where the plan is elsewhere', async () => {
  await using api = await fakeApi(meshOf([dataplane]), {
    'GET /meshes/default/dataplanes/web-1/_inspect': {
      status: 405,
      body: { title: 'Method not Allowed', detail: 'made in its zone', code: 'SKERRY_INSPECT_ELSEWHERE', fix: "ask zone 'azure-1'" },
    },
    'GET /meshes/default/dataplanes/web-1/_overview': { status: 200, body: overview },
  })

  const { code, out, err } = await cli(['inspect', 'dataplane', 'web-1'], { env: { SKERRY_API: api.url } })

  assert.equal(code, 0, err)
  assert.match(err, /its plan cannot be shown: .*made in its zone; ask zone 'azure-1'\n/)
  assert.match(out, /Stream +Online for \d+m(\d+s)?\n/)
  assert.match(out, /main +8080 +http +8080 +no: the application does not answer on 127\.0\.0\.1:8080\n/)
  assert.match(out, /CDS +4 +3 +1\n/)
})

test('inspect says of a policy whom it reaches, and what of it has no effect and why', async () => {
  const policy = { type: 'MeshHealthCheck', mesh: 'default', name: 'probe', spec: {} }
  const reason = 'interval of a MeshHealthCheck is not enforced by the built-in proxy'
  const body = {
    kri: 'kri_mhc_default___probe_',
    zones: [
      { zone: 'aws-1', reached: 5, problems: [{ reason, total: 5, dataplanes: ['a', 'b', 'c', 'd', 'e'] }] },
      { zone: 'azure-1', error: 'zone azure-1 is not connected to global' },
    ],
  }
  await using api = await fakeApi(
    { '/meshes/default/meshhealthchecks/probe': policy },
    { 'GET /meshes/default/meshhealthchecks/probe/_inspect': { status: 200, body } },
  )

  const { code, out, err } = await cli(['inspect', 'meshhealthcheck', 'probe'], { env: { SKERRY_API: api.url } })

  assert.equal(code, 0, err)
  assert.match(out, /aws-1 +5\n/)
  assert.match(out, /azure-1 +zone azure-1 is not connected to global\n/)
  assert.match(out, /aws-1 +a, b, c and 2 more +interval of a MeshHealthCheck/)
})
