import assert from 'node:assert/strict'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeKeyPair } from '../identity/keys.ts'
import { issueToken, makeTokenKeys } from '../identity/tokens.ts'
import { systemClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import { loadOrMakeAdminToken } from './admin-token.ts'
import { aDataplane, adminToken, aMesh, anApi } from './test-support.ts'

test('without a token there is no way in, from loopback neither, and the answer tells a stranger nothing of where one is', async () => {
  await using api = await anApi()
  for (const [method, path] of [
    ['GET', '/meshes'],
    ['PUT', '/meshes/default'],
    ['GET', '/secrets'],
    ['GET', '/_resources'],
    ['GET', '/watch'],
    ['GET', '/_resources'],
    ['POST', '/tokens/user'],
    ['GET', '/no/such/path'],
    ['DELETE', '/zones/aws-1'],
  ] as const) {
    const { status, headers, body } = await api.send(method, path, undefined, { token: null })
    assert.deepEqual([status, body.title, body.code], [401, 'Invalid authentication data', 'SKERRY_TOKEN_MISSING'], `${method} ${path}`)
    assert.match(body.fix, /skerry token user/)
    assert.doesNotMatch(body.fix, /\//)
    assert.match(headers.get('www-authenticate')!, /^Bearer/)
  }
})

test('what it is and whether it works may be asked by anybody', async () => {
  await using api = await anApi({ notReady: () => 'no connection to global yet' })

  const index = await api.get('/', { token: null })
  const ready = await api.get('/readyz', { token: null })

  assert.deepEqual([index.body.product, index.body.mode, index.body.zone, index.body.instanceId], ['Skerry', 'zone', 'aws-1', 'instance-1'])
  assert.equal((await api.get('/healthz', { token: null })).status, 200)
  assert.deepEqual([ready.status, ready.body.reason], [503, 'no connection to global yet'])
})

test('only a user token of this control plane opens the API', async () => {
  await using api = await anApi()
  const stranger = makeTokenKeys('cd'.repeat(32), { dataplane: makeKeyPair(), zone: makeKeyPair(), user: makeKeyPair() })
  const admin = { type: 'user', claims: { name: 'eve', groups: ['admin'] }, ttlMs: 60_000 } as const
  const cases: [string, string][] = [
    [
      await issueToken(api.tokens, { type: 'dataplane', claims: { mesh: 'default' }, ttlMs: 60_000 }, systemClock),
      'SKERRY_TOKEN_WRONG_TYPE',
    ],
    [await issueToken(api.tokens, { type: 'zone', claims: { zone: 'aws-1' }, ttlMs: 60_000 }, systemClock), 'SKERRY_TOKEN_WRONG_TYPE'],
    [await issueToken(stranger, admin, systemClock), 'SKERRY_TOKEN_WRONG_CONTROL_PLANE'],
    [await issueToken(api.tokens, admin, { now: () => Date.now() - 3_600_000 }), 'SKERRY_TOKEN_EXPIRED'],
    [`${adminToken}x`, 'SKERRY_TOKEN_MALFORMED'],
    ['', 'SKERRY_TOKEN_MISSING'],
  ]
  for (const [token, code] of cases) {
    const { status, body } = await api.get('/meshes', { token })
    assert.deepEqual([status, body.code], [401, code])
  }
  assert.equal((await api.get('/meshes', { token: await issueToken(api.tokens, admin, systemClock) })).status, 200)
})

test('a viewer reads, and neither writes nor makes tokens; without a group nothing is allowed', async () => {
  await using api = await anApi()
  await aMesh(api)
  const viewer = { token: await api.userToken(['viewer']) }
  const nobody = { token: await api.userToken([], 'bob') }

  assert.equal((await api.get('/meshes', viewer)).status, 200)
  assert.equal((await api.get('/_resources', viewer)).status, 200)
  assert.equal((await api.get('/no/such/path', viewer)).status, 404)
  const put = await api.put('/meshes/default/dataplanes/web-1', aDataplane(), viewer)
  assert.deepEqual([put.status, put.body.title, put.body.code], [403, 'Access Denied', 'SKERRY_FORBIDDEN'])
  assert.equal(
    put.body.detail,
    'user "ann" (viewer) cannot create Dataplane "web-1" in mesh "default": that needs CREATE on Dataplane in mesh default',
  )
  assert.equal((await api.delete('/meshes/default', viewer)).status, 403)
  assert.equal((await api.send('POST', '/tokens/user', { name: 'ann', groups: ['admin'] }, viewer)).status, 403)
  assert.equal((await api.get('/meshes', nobody)).status, 403)
  assert.equal((await api.get('/meshes', { token: await api.userToken(['constructor', '__proto__']) })).status, 403)
})

test('a route that does not say who may use it is for admins', async () => {
  await using api = await anApi({ extraRoutes: app => void app.get('/extra', () => ({ ok: true })) })

  assert.equal((await api.get('/extra', { token: null })).status, 401)
  assert.equal((await api.get('/extra', { token: await api.userToken(['viewer']) })).status, 403)
  assert.equal((await api.get('/extra')).status, 200)
})

test('an admin token file that is there is used as it is; else one is made that only its owner can read', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-admin-'))
  try {
    const keys = makeTokenKeys('ab'.repeat(32), { dataplane: makeKeyPair(), zone: makeKeyPair(), user: makeKeyPair() })
    const options = { clock: systemClock, log: silentLog }
    const [made, given, empty] = [join(directory, 'deep', 'made'), join(directory, 'given'), join(directory, 'empty')]
    await writeFile(given, 'automation-brought-this\n')
    await writeFile(empty, '\n')

    const first = await loadOrMakeAdminToken(made, keys, options)
    const second = await loadOrMakeAdminToken(made, keys, options)

    assert.equal(first.isNew, true)
    assert.deepEqual({ ...second, isNew: true }, first)
    assert.equal((await stat(made)).mode & 0o777, 0o600)
    assert.equal((await readFile(made, 'utf8')).trim(), first.token)
    assert.equal((await loadOrMakeAdminToken(given, keys, options)).token, 'automation-brought-this')
    await assert.rejects(loadOrMakeAdminToken(empty, keys, options), { code: 'SKERRY_ADMIN_TOKEN_FILE' })
    await assert.rejects(loadOrMakeAdminToken(directory, keys, options), { code: 'SKERRY_ADMIN_TOKEN_FILE' })

    const warnings: string[] = []
    await chmod(given, 0o644)
    await loadOrMakeAdminToken(given, keys, { clock: systemClock, log: { ...silentLog, warn: event => void warnings.push(event) } })
    assert.deepEqual(warnings, ['admin token file can be read by other users'])
  } finally {
    await rm(directory, { recursive: true })
  }
})
