import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TokenAuthority } from '../identity/token-authority.ts'
import { peekToken } from '../identity/token-claims.ts'
import { openTokenAuthority } from '../identity/token-secrets.ts'
import { MemoryStore } from '../registry/memory-store.ts'
import { Registry } from '../registry/registry.ts'
import { systemClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import { createAuthenticator } from './authenticate.ts'
import { aMesh, anApi, type TestApi } from './test-support.ts'

/** An API whose tokens are those of its registry, as in a program. */
async function aControlPlane(adminToken = 'the-admin-token-of-this-test') {
  const store = new MemoryStore()
  const registry = await Registry.open(store, { clock: systemClock, log: silentLog })
  const { authority, stop } = await openTokenAuthority(registry, { ca: 'ab'.repeat(32), clock: systemClock, log: silentLog })
  const authenticate = createAuthenticator({ tokens: authority, admin: { token: adminToken } })
  const api = await anApi({ store, registry, tokens: authority, authenticate })
  await aMesh(api)
  return {
    ...api,
    tokens: authority,
    async [Symbol.asyncDispose]() {
      await api[Symbol.asyncDispose]()
      stop()
    },
  }
}

const make = async (api: Pick<TestApi, 'send'>, body: object) => (await api.send('POST', '/tokens/user', { validFor: '1h', ...body })).text
const revoke = (api: Pick<TestApi, 'send'>, body: object) => api.send('POST', '/tokens/revocations', body)
const idOf = (token: string) => peekToken(token)!.claims.jti as string

/** A long-lived request. `ended` says how it ended. */
async function open(api: Pick<TestApi, 'url'>, path: string, token: string) {
  const response = fetch(api.url + path, { headers: { authorization: `Bearer ${token}` } })
  const ended = response.then(async ({ status, body }) => {
    for await (const _ of body!);
    return status
  })
  ended.catch(() => {})
  return { response, ended }
}

test('a revoked token opens nothing more, and cuts watches and blocking reads that are open; those of others go on', async () => {
  await using api = await aControlPlane()
  const [leaked, other] = [await make(api, { name: 'eve', groups: ['viewer'] }), await make(api, { name: 'bob', groups: ['viewer'] })]
  const { headers } = await api.get('/meshes')
  const index = headers.get('x-skerry-index')
  const watch = await open(api, '/watch?kind=mesh', leaked)
  await watch.response
  const blocking = await open(api, `/meshes?index=${index}&wait=60s`, leaked)
  const blockingToo = await open(api, `/meshes?index=${index}&wait=60s`, other)
  while (Number((api.app as unknown as { waitingReads: number }).waitingReads) < 2) await new Promise(resolve => setTimeout(resolve, 5))

  const began = performance.now()
  assert.deepEqual((await revoke(api, { type: 'user', id: idOf(leaked) })).status, 200)
  await assert.rejects(watch.ended)
  await assert.rejects(blocking.ended)
  assert.ok(performance.now() - began < 1000)

  const refused = await api.get('/meshes', { token: leaked })
  assert.deepEqual([refused.status, refused.body.code], [401, 'SKERRY_TOKEN_REVOKED'])
  assert.equal((await api.get('/meshes', { token: other })).status, 200)
  await api.put('/meshes/shop', { type: 'Mesh', name: 'shop' })
  assert.equal(await blockingToo.ended, 200)
})

test('a token that ends cuts what it opened', async () => {
  await using api = await aControlPlane()
  const token = await make(api, { name: 'eve', groups: ['viewer'], validFor: '1s' })

  const watch = await open(api, '/watch?kind=mesh', token)
  await watch.response

  await assert.rejects(watch.ended)
})

test('retiring a key ends what it signed, and leaves what the new one signed', async () => {
  await using api = await aControlPlane()
  const before = await make(api, { name: 'ann', groups: ['viewer'] })
  const [old] = (await api.get('/tokens/keys')).body.items.filter((key: { type: string }) => key.type === 'user')
  const watch = await open(api, '/watch?kind=mesh', before)
  await watch.response

  const early = await api.delete(`/tokens/keys/user/${old.kid}`)
  const rotated = await api.send('POST', '/tokens/keys/user', {})
  const after = await make(api, { name: 'ann', groups: ['viewer'] })
  assert.deepEqual([early.status, early.body.code, rotated.status], [409, 'SKERRY_SIGNING_KEY_IN_USE', 200])
  assert.equal((await api.get('/meshes', { token: before })).status, 200)
  assert.equal((await api.delete(`/tokens/keys/user/${old.kid}`)).status, 200)

  await assert.rejects(watch.ended)
  assert.equal((await api.get('/meshes', { token: before })).status, 401)
  assert.equal((await api.get('/meshes', { token: after })).status, 200)
  assert.equal((await api.delete(`/tokens/keys/user/${old.kid}`)).status, 404)
  assert.equal((await api.delete('/tokens/keys/robot/x')).status, 400)
})

test("Kuma's way of revoking is the same list", async () => {
  await using api = await aControlPlane()
  const [one, two] = [await make(api, { name: 'eve', groups: ['viewer'] }), await make(api, { name: 'eve', groups: ['viewer'] })]

  const data = Buffer.from(`${idOf(one)}`).toString('base64')
  const put = await api.put('/global-secrets/user-token-revocations', { type: 'GlobalSecret', name: 'user-token-revocations', data })
  assert.equal(put.status, 201)
  assert.equal((await api.get('/meshes', { token: one })).status, 401)
  assert.equal((await api.get('/meshes', { token: two })).status, 200)
  await revoke(api, { token: two })

  const { body } = await api.get('/tokens/revocations')
  assert.deepEqual(body.items, [{ type: 'user', ids: [idOf(one), idOf(two)] }])
  assert.equal((await api.get('/meshes', { token: two })).status, 401)
})

test('tokens that were made are listed, with who made them and whether they are still good', async () => {
  await using api = await aControlPlane()
  const user = await make(api, { name: 'eve', groups: ['viewer'] })
  const proxy = (await api.send('POST', '/tokens/dataplane', { mesh: 'default', workload: 'web' })).text
  await revoke(api, { type: 'dataplane', mesh: 'default', id: idOf(proxy) })

  const { body } = await api.get('/tokens')

  const shown = body.items.map(({ id, type, subject, state, issuedBy }: Record<string, string>) => [id, type, subject, state, issuedBy])
  assert.deepEqual(shown, [
    [idOf(proxy), 'dataplane', 'default/web', 'revoked', 'admin'],
    [idOf(user), 'user', 'eve', 'active', 'admin'],
  ])
  assert.equal(JSON.stringify(body).includes(user.split('.')[2]!), false)
})

test('all that were made before a moment are revoked at once', async () => {
  await using api = await aControlPlane()
  const token = await make(api, { name: 'eve', groups: ['viewer'] })

  const wrong = await revoke(api, { type: 'user', issuedBefore: 'yesterday' })
  const right = await revoke(api, { type: 'user', issuedBefore: new Date(Date.now() + 60_000).toISOString() })

  assert.deepEqual([wrong.status, wrong.body.invalid_parameters[0].field, right.status], [400, 'issuedBefore', 200])
  assert.equal((await api.get('/meshes', { token })).status, 401)
})

test("the admin's own token can be revoked where it is one of ours", async () => {
  await using other = await aControlPlane()
  const token = await other.tokens.issue({ type: 'user', claims: { name: 'admin', groups: ['admin'] }, ttlMs: 60_000 })
  await using api = await aControlPlane(token)

  assert.equal((await api.get('/meshes', { token })).status, 200)
  assert.equal((await api.send('POST', '/tokens/revocations', { token }, { token })).status, 200)

  const { status, body } = await api.get('/meshes', { token })
  assert.deepEqual([status, body.code], [401, 'SKERRY_TOKEN_REVOKED'])
})

test('what to revoke must be said, and may be revoked by who may revoke there', async () => {
  await using api = await aControlPlane()
  const cases: [object, string][] = [
    [{}, 'id'],
    [{ id: 'x' }, 'type'],
    [{ id: 'x', type: 'robot' }, 'type'],
    [{ id: 'x', type: 'dataplane' }, 'mesh'],
    [{ id: 'x', type: 'dataplane', mesh: 'nowhere' }, 'mesh'],
    [{ id: 'a,b', type: 'user' }, 'id'],
    [{ token: 'a.b.c' }, 'token'],
  ]
  for (const [body, field] of cases) {
    const answer = await revoke(api, body)
    assert.deepEqual([answer.status, answer.body.invalid_parameters?.[0].field], [400, field], JSON.stringify(body))
  }
  const viewer = await make(api, { name: 'eve', groups: ['viewer'] })
  assert.equal((await api.send('POST', '/tokens/revocations', { id: 'x', type: 'user' }, { token: viewer })).status, 403)
})

test('one authority made by hand revokes nothing', () => {
  const keys = { ca: 'x', signing: {} as never, verifying: new Map() }
  assert.equal(new TokenAuthority({ keys, clock: systemClock }).isRevoked('user', { jti: 'x', iat: 0 }), false)
})
