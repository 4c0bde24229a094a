import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aMesh, anApi, federatedZone, global, type TestApi } from '../test-support.ts'

type Labels = Record<string, string>

async function put(api: TestApi, kind: string, name: string, spec: unknown, labels: Labels = {}): Promise<void> {
  const known = { 'kuma.io/display-name': name, ...labels }
  await api.registry.commit([{ kind: 'put', draft: { kind, mesh: 'default', name, labels: known, spec } }])
}

const backend = {
  ports: [{ name: 'http', port: 80, appProtocol: 'http' }],
  selector: { dataplaneLabels: { matchLabels: { app: 'backend' } } },
}
const toBackend = { kind: 'MeshService', labels: { 'kuma.io/display-name': 'backend' } }
const backendKri = 'kri_msvc_default___backend_http'

function aProxy(port: number, more: object = {}) {
  return { networking: { address: '10.0.0.1', inbound: [{ name: 'main', port, protocol: 'http' }], ...more } }
}

async function aWorld(options: Parameters<typeof anApi>[0] = {}): Promise<TestApi> {
  const api = await anApi(options)
  await aMesh(api)
  await put(api, 'Dataplane', 'web-1', aProxy(8080), { app: 'web' })
  await put(api, 'MeshService', 'backend', backend)
  return api
}

const proxy = '/meshes/default/dataplanes/web-1'

test('what holds for a call is told with the rules it comes from, and on request every setting with what set it', async () => {
  await using api = await aWorld()
  await put(api, 'MeshTimeout', 'all', { to: [{ targetRef: { kind: 'Mesh' }, default: { idleTimeout: '1m', connectionTimeout: '2s' } }] })
  await put(api, 'MeshTimeout', 'backend', { to: [{ targetRef: toBackend, default: { connectionTimeout: '5s' } }] })

  const path = `${proxy}/_outbounds/${backendKri}/_policies`
  const conf = { idleTimeout: '1m', connectionTimeout: '5s' }
  const origins = [{ kri: 'kri_mt_default___all_' }, { kri: 'kri_mt_default___backend_' }]
  assert.deepEqual((await api.get(path)).body, { policies: [{ kind: 'MeshTimeout', conf: [conf], origins }] })
  const shown = (await api.get(`${path}?include=fields`)).body.policies as { kind: string; conf: unknown; fields: unknown[] }[]
  assert.deepEqual(shown[0]!.fields.slice(0, 2), [
    { path: 'connectionTimeout', value: '5s', kri: 'kri_mt_default___backend_', ruleIndex: 0 },
    { path: 'idleTimeout', value: '1m', kri: 'kri_mt_default___all_', ruleIndex: 0 },
  ])
  assert.deepEqual(
    shown.map(({ kind }) => kind),
    ['MeshTimeout', 'MeshCircuitBreaker', 'MeshLoadBalancingStrategy', 'MeshTLS', 'MeshRetry'],
  )
  assert.deepEqual(shown.at(-1)!.conf, [])
  assert(shown.at(-1)!.fields.every(field => (field as { kri: unknown }).kri === null))
})

test('global and zones answer alike: nothing but resources is needed', async () => {
  const answers = []
  for (const role of [global, federatedZone]) {
    await using api = await aWorld({ role })
    await put(api, 'MeshTimeout', 'in', { rules: [{ default: { idleTimeout: '1m' } }] })
    for (const path of ['_rules', '_policies', '_layout', '_inbounds/kri_dp_default___web-1_main/_policies']) {
      const { status, body } = await api.get(`${proxy}/${path}`)
      assert.equal(status, 200)
      answers.push(body)
    }
  }
  assert.deepEqual(answers.slice(0, 4), answers.slice(4))
  assert.equal(answers[0].rules[0].inboundRules[0].rules[0].conf[0].idleTimeout, '1m')
})

test('a service of another zone is found by its identity, whatever name it is stored under', async () => {
  await using api = await aWorld({ role: global })
  await put(api, 'MeshService', 'backend-x1', backend, {
    'kuma.io/display-name': 'backend',
    'kuma.io/zone': 'east',
    'kuma.io/origin': 'zone',
  })
  const targetRef = { kind: 'MeshService', labels: { 'kuma.io/display-name': 'backend', 'kuma.io/zone': 'east' } }
  await put(api, 'MeshTimeout', 'east', { to: [{ targetRef, default: { idleTimeout: '1m' } }] })

  const policiesOf = async (kri: string) => (await api.get(`${proxy}/_outbounds/${kri}/_policies`)).body.policies.length
  assert.equal(await policiesOf('kri_msvc_default_east__backend_http'), 1)
  assert.equal(await policiesOf(backendKri), 0)
})

test('an answer follows the next change', async () => {
  await using api = await aWorld()
  const rules = async () => (await api.get(`${proxy}/_rules`)).body.rules.length
  assert.equal(await rules(), 0)
  await put(api, 'MeshTimeout', 'in', { rules: [{ default: { idleTimeout: '1m' } }] })
  assert.equal(await rules(), 1)
  await put(api, 'MeshTimeout', 'in', { rules: [{ default: { idleTimeout: '1m' } }] }, { 'kuma.io/effect': 'shadow' })
  assert.equal(await rules(), 0)
})

test('a route’s rules are shown in the order in which they are looked at, each with its policy', async () => {
  await using api = await aWorld()
  const rule = (path: string, weight: number) => ({
    matches: [{ path: { type: 'PathPrefix', value: path } }],
    default: { backendRefs: [{ ...toBackend, weight }] },
  })
  await put(api, 'MeshHTTPRoute', 'b', { to: [{ targetRef: toBackend, rules: [rule('/b', 1), rule('/both', 2)] }] })
  await put(api, 'MeshHTTPRoute', 'a', { to: [{ targetRef: toBackend, rules: [rule('/both', 3), rule('/a', 4)] }] })

  const [route] = (await api.get(`${proxy}/_outbounds/${backendKri}/_routes?include=fields`)).body.routes
  assert.deepEqual(
    route.rules.map((one: { kri: string; matches: { path: { value: string } }[]; conf: { backendRefs: { weight: number }[] } }) => [
      one.kri,
      one.matches[0]!.path.value,
      one.conf.backendRefs[0]!.weight,
    ]),
    [
      ['kri_mhttpr_default___a_', '/both', 3],
      ['kri_mhttpr_default___a_', '/a', 4],
      ['kri_mhttpr_default___b_', '/b', 1],
    ],
  )
  assert.deepEqual(route.fields[1].path, 'rules[0].default.backendRefs')
  assert.deepEqual(route.fields[1].kri, 'kri_mhttpr_default___a_')
})

test('a layout has what a proxy lists, else what it says is reachable, else all', async () => {
  await using api = await aWorld()
  await put(api, 'MeshService', 'other', backend)
  const otherKri = backendKri.replace('backend', 'other')
  const outbounds = async () => (await api.get(`${proxy}/_layout`)).body.outbounds.map(({ kri }: { kri: string }) => kri)

  assert.deepEqual(await outbounds(), [backendKri, otherKri])
  const refs = [{ kind: 'MeshService', labels: { 'kuma.io/display-name': 'other' } }]
  await put(api, 'Dataplane', 'web-1', aProxy(8080, { transparentProxying: { reachableBackends: { refs } } }))
  assert.deepEqual(await outbounds(), [otherKri])
  await put(api, 'Dataplane', 'web-1', aProxy(8080, { outbound: [{ port: 9000, backendRef: { name: 'backend' } }] }))
  assert.deepEqual(await outbounds(), [backendKri])
  await put(api, 'Dataplane', 'web-1', aProxy(8080, { outbound: [{ port: 9000, backendRef: { name: 'nobody' } }] }))
  assert.deepEqual(await outbounds(), [])
})

test('the proxies that a policy reaches come in pages', async () => {
  await using api = await aWorld()
  for (const name of ['web-2', 'web-3']) await put(api, 'Dataplane', name, aProxy(8080), { app: 'web' })
  await put(api, 'Dataplane', 'shop-1', aProxy(8080), { app: 'shop' })
  await put(api, 'MeshTimeout', 'web', { targetRef: { kind: 'Dataplane', labels: { app: 'web' }, sectionName: 'main' } })

  const path = '/meshes/default/meshtimeouts/web/_resources/dataplanes'
  const first = (await api.get(`${path}?size=2`)).body
  assert.equal(first.total, 3)
  assert.deepEqual(
    first.items.map(({ name }: { name: string }) => name),
    ['web-1', 'web-2'],
  )
  const last = await (await fetch(first.next, { headers: { authorization: `Bearer ${await api.userToken(['admin'])}` } })).json()
  assert.deepEqual(last, {
    total: 3,
    items: [{ type: 'Dataplane', mesh: 'default', name: 'web-3', labels: { app: 'web', 'kuma.io/display-name': 'web-3' } }],
  })
  const older = (await api.get('/meshes/default/meshtimeouts/web/dataplanes')).body
  assert.deepEqual(older.items[2], {
    kind: 'SidecarDataplane',
    dataplane: { mesh: 'default', name: 'web-3' },
    attachments: [{ type: 'dataplane' }],
  })
})

test('what is not there is a 404, what is no KRI a 400', async () => {
  await using api = await aWorld()
  const check = async (path: string, status: number, code: string) => {
    const answer = await api.get(path)
    assert.deepEqual([answer.status, answer.body.code], [status, code], path)
  }
  await check('/meshes/default/dataplanes/nobody/_rules', 404, 'SKERRY_NOT_FOUND')
  await check('/meshes/nowhere/dataplanes/web-1/_rules', 404, 'SKERRY_MESH_NOT_FOUND')
  await check('/meshes/default/meshtimeouts/nobody/_resources/dataplanes', 404, 'SKERRY_NOT_FOUND')
  await check(`${proxy}/_inbounds/kri_dp_default___web-1_other/_policies`, 404, 'SKERRY_NOT_FOUND')
  await check(`${proxy}/_outbounds/kri_msvc_default___nobody_http/_policies`, 404, 'SKERRY_NOT_FOUND')
  await check(`${proxy}/_outbounds/backend/_policies`, 400, 'SKERRY_BAD_REQUEST')
})
