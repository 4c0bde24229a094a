import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { aDataplane, adminToken, aMesh, anApi, global } from '../src/api/test-support.ts'
import { programs } from '../src/cli/programs.ts'
import { filesOf, spawnCli } from '../src/cli/test-support.ts'
import { ControlPlaneIdentity } from '../src/identity/control-plane-identity.ts'
import { issueToken } from '../src/identity/tokens.ts'
import { MemoryStore } from '../src/registry/memory-store.ts'
import { Registry } from '../src/registry/registry.ts'
import { systemClock } from '../src/std/clock.ts'
import { silentLog } from '../src/std/log.ts'

test('the command line and the API understand each other: apply, get, delete, conflict, refusal', async () => {
  await using api = await anApi()
  await aMesh(api)
  await using files = await filesOf({
    'admin.token': `${adminToken}\n`,
    'web.json': JSON.stringify(aDataplane({ labels: { 'kuma.io/workload': 'web' } })),
    'bad.yaml': 'type: Dataplane\nname: bad\nnetworking:\n  adress: 10.0.0.1\n',
  })
  const env = { SKERRY_API: api.url, SKERRY_TOKEN_FILE: join(files.path, 'admin.token') }
  const run = (...argv: string[]) => spawnCli(argv, env)
  const web = join(files.path, 'web.json')

  assert.match((await run('apply', '-f', web, '--no-headers')).out, /^Dataplane +default +web-1 +created\n$/)
  assert.match((await run('apply', '-f', web, '--no-headers')).out, /unchanged\n$/)
  const listed = await run('get', 'dataplanes', '-o', 'json')
  assert.deepEqual(JSON.parse(listed.out), (await api.get('/meshes/default/dataplanes')).body)
  assert.match(
    (await run('get', 'dp')).out,
    /^NAME +ZONE +WORKLOAD +ADDRESS +PORTS +STATUS +AGE\nweb-1 +aws-1 +web +10\.0\.0\.5 +http:8080 +Never connected +\d+s\n$/,
  )

  const bad = await run('apply', '-f', join(files.path, 'bad.yaml'))
  assert.equal(bad.code, 65)
  assert.match(bad.err, /bad\.yaml:4:3 networking\.adress: unknown field.*"address"/)
  assert.match(bad.err, /code: SKERRY_RESOURCE_INVALID\n$/)

  const noMesh = await run('get', 'dataplanes', '-m', 'nowhere')
  assert.deepEqual([noMesh.code, /SKERRY_MESH_NOT_FOUND/.test(noMesh.err)], [4, true])
  assert.equal((await run('delete', 'dataplane', 'web-1')).code, 0)
  assert.equal((await run('get', 'dataplane', 'web-1')).code, 4)
})

test('who may not gets 77: without a token, with one of no use, with too few rights', async () => {
  await using api = await anApi({ role: global })
  await using files = await filesOf({ 'wrong.token': 'no-token-at-all-of-anybody', 'viewer.token': '' })
  const viewer = join(files.path, 'viewer.token')
  await writeFile(viewer, await api.userToken(['viewer']))

  const none = await spawnCli(['get', 'zones'], { SKERRY_API: api.url })
  const wrong = await spawnCli(['get', 'zones'], { SKERRY_API: api.url, SKERRY_TOKEN_FILE: join(files.path, 'wrong.token') })
  const weak = await spawnCli(['token', 'zone', 'aws-1', '-o', 'json'], { SKERRY_API: api.url, SKERRY_TOKEN_FILE: viewer })

  assert.deepEqual([none.code, wrong.code, weak.code], [77, 77, 77])
  assert.match(none.err, /fix: .*--token-file/)
  assert.match((JSON.parse(weak.err) as { detail: string }).detail, /cannot make tokens/)
})

test('over TLS a token is enough to know the server, and shown to no other', async () => {
  const store = new MemoryStore()
  const registry = await Registry.open(store, { clock: systemClock, log: silentLog })
  const identity = await ControlPlaneIdentity.loadOrCreate(registry, { clock: systemClock, log: silentLog })
  await using api = await anApi({
    store,
    registry,
    role: global,
    tokens: identity.tokens,
    tls: { cert: identity.server.cert, key: identity.server.key },
  })
  const token = await issueToken(identity.tokens, { type: 'user', claims: { name: 'ann', groups: ['admin'] }, ttlMs: 60_000 }, systemClock)
  const foreign = await issueToken(
    { ca: 'ab'.repeat(32), signing: identity.tokens.signing, verifying: identity.tokens.verifying },
    { type: 'user', claims: { name: 'ann', groups: ['admin'] }, ttlMs: 60_000 },
    systemClock,
  )
  await using files = await filesOf({ token, foreign, 'ca.pem': identity.caPem, opaque: adminToken })
  const run = (file: string, extra: Record<string, string> = {}) =>
    spawnCli(['get', 'zones', '-o', 'json'], { SKERRY_API: api.url, SKERRY_TOKEN_FILE: join(files.path, file), ...extra })

  const good = await run('token')
  const pinnedElsewhere = await run('foreign')
  const unknown = await run('opaque')
  const named = await run('opaque', { SKERRY_CA_FILE: join(files.path, 'ca.pem') })
  await identity[Symbol.asyncDispose]()

  assert.equal(api.url.startsWith('https://'), true)
  assert.deepEqual([good.code, JSON.parse(good.out)], [0, { total: 0, items: [], next: null }])
  assert.deepEqual([pinnedElsewhere.code, /SKERRY_AUTHORITY_NOT_PINNED/.test(pinnedElsewhere.err)], [77, true])
  assert.deepEqual([unknown.code, /SKERRY_CERTIFICATE_NOT_TRUSTED/.test(unknown.err)], [69, true])
  assert.equal(named.code, 0, named.err)
})

test('every program explains its settings, and refuses what it does not know', async () => {
  for (const { name } of programs) {
    const [help, wrong] = await Promise.all([spawnCli([name, 'run', '--help']), spawnCli([name, 'run', '--nonsense'])])
    assert.match(
      help.out,
      new RegExp(`^Usage: skerry ${name} run \\[options\\]\\n[\\s\\S]*--config FILE[\\s\\S]*\\nExamples:\\n {2}\\$ skerry ${name} run`),
      help.err,
    )
    assert.deepEqual([help.code, wrong.code], [0, 64], wrong.err)
    assert.match(wrong.err, /--nonsense: unknown flag/)
  }
})
