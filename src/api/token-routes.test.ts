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

test('user tokens live for a working day', async () => {
  await using api = await anApi()

  const { text } = await make(api, 'user', { name: 'ann', groups: ['viewer'] })

  assert.ok(Math.abs(livesMs(text) - DAY / 2) < 60_000)
  assert.equal((await api.get('/meshes', { token: text })).status, 200)
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
    ['user', { groups: ['admin'] }, 'name'],
    ['user', { name: 'x', groups: 'admin' }, 'groups'],
  ]
  for (const [type, body, field] of cases) {
    const answer = await make(api, type, body)
    assert.equal(answer.status, 400, JSON.stringify(body))
    assert.equal(answer.body.invalid_parameters[0].field, field)
  }
  assert.equal((await make(api, 'dataplane', [])).status, 400)
  assert.equal((await make(api, 'dataplane', null)).status, 400)
})
