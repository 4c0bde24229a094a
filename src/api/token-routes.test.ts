import assert from 'node:assert/strict'
import { test } from 'node:test'
import { peekToken } from '../identity/token-claims.ts'
import { verifyToken } from '../identity/tokens.ts'
import { systemClock } from '../std/clock.ts'
import { aMesh, anApi, global, type TestApi } from './test-support.ts'

const DAY = 24 * 3_600_000

const make = (api: TestApi, type: string, body: unknown) => api.send('POST', `/tokens/${type}`, body)
const livesMs = (token: string) => (peekToken(token)?.expiresMs ?? 0) - Date.now()

test('a zone makes the tokens of its proxies: a bare JWT as text, for 30 days unless said otherwise', async () => {
  await using api = await anApi()
  await aMesh(api)

  const { status, text, headers } = await make(api, 'dataplane', { mesh: 'default', workload: 'hello', validFor: '' })
  const short = await make(api, 'dataplane', { mesh: 'default', name: 'hello-1', validFor: '1h' })

  assert.equal(status, 200)
  assert.match(headers.get('content-type')!, /^text\/plain/)
  const verdict = await verifyToken(api.tokens, text, 'dataplane', systemClock)
  assert.ok(verdict.kind === 'ok')
  assert.deepEqual([verdict.claims.mesh, verdict.claims.workload, verdict.claims.name], ['default', 'hello', undefined])
  assert.ok(Math.abs(livesMs(text) - 30 * DAY) < 60_000)
  assert.ok(Math.abs(livesMs(short.text) - 3_600_000) < 60_000)
})

test('who makes a user token says how long it lives, and for which groups that give anything', async () => {
  await using api = await anApi()

  const { text } = await make(api, 'user', { name: 'ann', groups: ['viewer'], validFor: '12h' })
  assert.ok(Math.abs(livesMs(text) - DAY / 2) < 60_000)
  assert.equal((await api.get('/meshes', { token: text })).status, 200)

  const endless = await make(api, 'user', { name: 'ann', groups: ['viewer'], validFor: '' })
  assert.deepEqual([endless.status, endless.body.title], [400, 'Invalid request'])
  assert.deepEqual(endless.body.invalid_parameters, [{ field: 'validFor', reason: 'cannot be empty' }])
  const nope = await make(api, 'user', { name: 'ann', groups: ['viewer', 'nope'], validFor: '1h' })
  assert.equal(nope.body.invalid_parameters[0].field, 'groups[1]')
  assert.match(nope.body.invalid_parameters[0].reason, /nope gives nothing: known are admin, mesh-system:admin, operator, viewer/)

  const subjects = [{ type: 'Group', name: 'nope' }]
  await api.put('/access-role-bindings/nope', { type: 'AccessRoleBinding', name: 'nope', subjects, roles: ['viewer'] })
  assert.equal((await make(api, 'user', { name: 'ann', groups: ['viewer', 'nope'], validFor: '1h' })).status, 200)
})

test('what kumactl sends is taken: null, empty texts, tags and scopes', async () => {
  await using api = await anApi({ role: global })
  await using zone = await anApi()
  await aMesh(zone)

  const tags = { team: ['money'] }
  const proxy = await make(zone, 'dataplane', { mesh: 'default', name: '', tags, type: '', workload: '', validFor: '1h' })
  const verdict = await verifyToken(zone.tokens, proxy.text, 'dataplane', systemClock)
  assert.ok(verdict.kind === 'ok', proxy.text)
  assert.deepEqual([verdict.claims.tags, verdict.claims.name, verdict.claims.workload], [tags, undefined, undefined])
  assert.equal((await make(zone, 'dataplane', { mesh: 'default', tags: null, type: 'dataplane', validFor: '1h' })).status, 200)
  assert.equal((await make(api, 'zone', { zone: 'east', scope: ['cp'], validFor: '1h' })).status, 200)
  assert.equal((await make(api, 'zone', { zone: 'east', scope: null, validFor: '1h' })).status, 200)
})

test('a token for a zone gateway says that it is one; who may make them for one name alone makes none', async () => {
  await using api = await anApi()
  await aMesh(api)
  const rules = [{ access: ['GENERATE_DATAPLANE_TOKEN'], mesh: 'default', names: ['web-1'] }]
  assert.equal((await api.put('/access-roles/web', { type: 'AccessRole', name: 'web', rules })).status, 201)
  const subjects = [{ type: 'User', name: 'ann' }]
  await api.put('/access-role-bindings/web', { type: 'AccessRoleBinding', name: 'web', subjects, roles: ['web'] })
  const ann = (await make(api, 'user', { name: 'ann', groups: [], validFor: '1h' })).text
  const asAnn = (type: string) => api.send('POST', '/tokens/dataplane', { mesh: 'default', name: 'web-1', type }, { token: ann })

  const gateway = await make(api, 'dataplane', { mesh: 'default', workload: 'zone-gateway', type: 'ingress' })

  const verdict = await verifyToken(api.tokens, gateway.text, 'dataplane', systemClock)
  assert.ok(verdict.kind === 'ok', gateway.text)
  assert.deepEqual([verdict.claims.workload, verdict.claims.type], ['zone-gateway', 'ingress'])
  assert.equal((await asAnn('dataplane')).status, 200)
  assert.equal((await asAnn('ingress')).status, 403)
  assert.equal((await make(api, 'dataplane', { mesh: 'default', type: 'egress' })).body.invalid_parameters[0].field, 'type')
})

test('zone tokens are made at global, and a proxy token by the zone that it names', async () => {
  await using zone = await anApi()
  const asked: unknown[] = []
  await using api = await anApi({
    role: global,
    zoneDataplaneToken: async (name, request) => `token of ${name} for ${asked.push(request) && request.workload}`,
  })
  await aMesh(api)

  const zoneToken = await make(api, 'zone', { zone: 'aws-1' })
  assert.equal((await verifyToken(api.tokens, zoneToken.text, 'zone', systemClock)).kind, 'ok')
  assert.deepEqual([(await make(zone, 'zone', { zone: 'aws-1' })).body.code], ['SKERRY_TOKEN_ELSEWHERE'])

  const nowhere = await make(api, 'dataplane', { mesh: 'default', workload: 'hello' })
  assert.deepEqual([nowhere.status, nowhere.body.code], [400, 'SKERRY_TOKEN_ELSEWHERE'])
  assert.equal((await make(api, 'dataplane', { mesh: 'default', workload: 'hello', zone: 'aws-9' })).status, 400)
  await api.put('/zones/aws-1', { type: 'Zone', name: 'aws-1' })
  assert.equal((await make(api, 'dataplane', { mesh: 'default', workload: 'hello' })).text, 'token of aws-1 for hello')
  await api.put('/zones/azure-1', { type: 'Zone', name: 'azure-1' })
  assert.match((await make(api, 'dataplane', { mesh: 'default', workload: 'hello' })).body.fix, /aws-1, azure-1/)
  assert.equal((await make(api, 'dataplane', { mesh: 'default', workload: 'hello', zone: 'azure-1' })).text, 'token of azure-1 for hello')
})

test('at global a token of a proxy is revoked by the zone that made it, and is not said to be where that cannot be', async () => {
  const asked: unknown[] = []
  await using api = await anApi({
    role: global,
    zoneDataplaneToken: async () => zone.tokens.issue({ type: 'dataplane', claims: { mesh: 'default' }, ttlMs: DAY }),
    zoneRevocation: async (name, revocation) => asked.push([name, revocation]),
  })
  await using zone = await anApi()
  await using alone = await anApi({ role: global })
  for (const one of [api, alone]) {
    await aMesh(one)
    await one.put('/zones/aws-1', { type: 'Zone', name: 'aws-1' })
  }
  const token = (await make(api, 'dataplane', { mesh: 'default' })).text
  const id = peekToken(token)!.claims.jti

  const revoked = await make(api, 'revocations', { token })
  const nowhere = await make(alone, 'revocations', { type: 'dataplane', mesh: 'default', id: 'x' })
  const other = await make(api, 'revocations', { token, zone: 'aws-9' })

  assert.deepEqual([revoked.status, asked], [200, [['aws-1', { type: 'dataplane', mesh: 'default', id }]]])
  assert.deepEqual([nowhere.status, nowhere.body.code], [400, 'SKERRY_TOKEN_ELSEWHERE'])
  assert.equal(other.status, 400)
  assert.deepEqual((await api.get('/tokens/revocations')).body.items, [{ type: 'dataplane', mesh: 'default', ids: [id] }])
  assert.deepEqual((await alone.get('/tokens/revocations')).body.items, [])
})

test('a request for a token that is wrong says what is', async () => {
  await using api = await anApi()
  await aMesh(api)
  const cases: [string, unknown, string][] = [
    ['dataplane', {}, 'mesh'],
    ['dataplane', { mesh: 'shop' }, 'mesh'],
    ['dataplane', { mesh: 'default', validFor: 'a while' }, 'validFor'],
    ['dataplane', { mesh: 'default', validFor: '999999h' }, 'validFor'],
    ['dataplane', { mesh: 'default', worklod: 'x' }, 'worklod'],
    ['dataplane', { mesh: 7 }, 'mesh'],
    ['dataplane', { mesh: 'default', workload: 'Not A Name' }, 'workload'],
    ['dataplane', { mesh: 'default', name: 'not_a_name' }, 'name'],
    ['user', { groups: ['admin'], validFor: '1h' }, 'name'],
    ['user', { name: 'x', groups: 'admin', validFor: '1h' }, 'groups'],
    ['user', { name: 'x', validFor: '0s' }, 'validFor'],
    ['dataplane', { mesh: 'default', tags: { team: 'money' } }, 'tags["team"]'],
  ]
  for (const [type, body, field] of cases) {
    const answer = await make(api, type, body)
    assert.equal(answer.status, 400, JSON.stringify(body))
    assert.equal(answer.body.invalid_parameters[0].field, field)
  }
  assert.equal((await make(api, 'dataplane', [])).status, 400)
  assert.equal((await make(api, 'dataplane', null)).status, 400)
})
