import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { FileAuditLog } from '../audit/file-audit-log.ts'
import { MemoryAuditLog } from '../audit/memory-audit-log.ts'
import { peekToken } from '../identity/token-claims.ts'
import { systemClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import { aDataplane, aMesh, anApi, aService, type TestApi } from './test-support.ts'

// biome-ignore lint/suspicious/noExplicitAny: entries are looked into as they come.
type Entry = any

/** What is on record, in order, without that it was read. */
const record = async (api: TestApi): Promise<Entry[]> =>
  (await api.get('/audit?from=1&limit=1000')).body.items.filter(({ area }: Entry) => area !== 'audit')

test('a write is on record before it is answered: who, from where, what, and what it changed', async () => {
  await using api = await anApi()
  await aMesh(api)
  const token = await api.userToken(['admin'], 'ann')
  const path = '/meshes/default/meshservices/backend'

  await api.put(path, aService(), { token })
  const stored = api.registry.get({ kind: 'MeshService', mesh: 'default', name: 'backend' })!
  await api.put(path, aService(), { token })
  await api.put(path, { ...aService(), labels: { team: 'x' } }, { token })
  await api.delete(path, { token })
  const failed = await api.put(path, { ...aService(), spec: { ports: 'none' } }, { token })
  await api.put(`${path}?dryRun=true`, aService(), { token })
  const [made, same, changed, gone, bad, ...more] = await record(api)

  assert.deepEqual(more, [])
  const { sequence, time, request, hash, previous, after, ...rest } = made
  assert.deepEqual(rest, {
    who: { name: 'ann', groups: ['admin'], tokenId: peekToken(token)!.claims.jti },
    remote: '127.0.0.1',
    verb: 'create',
    area: 'resources',
    kind: 'MeshService',
    mesh: 'default',
    name: 'backend',
    decision: 'allowed',
    status: 201,
  })
  assert.equal(after.revision, stored.revision)
  assert.match(`${request} ${after.digest} ${hash} ${previous}`, /^[0-9a-f-]{36}( [0-9a-f]{64}){3}$/)
  assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000)
  assert.deepEqual([same.verb, same.before, same.after], ['update', after, after])
  assert.deepEqual([changed.before, changed.after.digest === after.digest], [after, false])
  assert.deepEqual([gone.verb, gone.before, gone.after], ['delete', changed.after, undefined])
  assert.deepEqual([bad.decision, bad.status, bad.request], ['allowed', 400, failed.body.instance])
  assert.match(bad.reason, /^SKERRY_RESOURCE_INVALID/)
})

test('whoever is refused is on record, be he known or not, and cannot push out what others did', async () => {
  await using api = await anApi()
  await aMesh(api)
  const viewer = { token: await api.userToken(['viewer'], 'bob') }

  await api.put('/meshes/default/dataplanes/web-1', aDataplane(), viewer)
  await api.get('/secrets', viewer)
  await api.get('/meshes', { token: 'nonsense' })
  for (let i = 0; i < 60; i++) await api.get('/meshes', { token: null })
  const entries = await record(api)

  assert.deepEqual(
    entries.slice(0, 3).map(({ who, verb, kind, decision, status }: Entry) => [who?.name, verb, kind, decision, status]),
    [
      ['bob', 'write', 'Dataplane', 'denied', 403],
      ['bob', 'read', 'Secret', 'denied', 403],
      [undefined, 'read', 'Mesh', 'denied', 401],
    ],
  )
  assert.match(entries[0].reason, /SKERRY_FORBIDDEN: user "bob" \(viewer\) cannot create Dataplane/)
  assert.ok(entries.length < 40, String(entries.length))
})

test('tokens, keys and roles are on record, and no secret is', async () => {
  await using api = await anApi()
  await aMesh(api)
  const made = (await api.send('POST', '/tokens/user', { name: 'ann', groups: ['viewer'], validFor: '1h' })).text
  await api.send('POST', '/tokens/revocations', { token: made })
  await api.put('/access-roles/x', { type: 'AccessRole', name: 'x', rules: [] })
  const secret = Buffer.from('hunter2-hunter2').toString('base64')
  await api.put('/meshes/default/secrets/key', { type: 'Secret', mesh: 'default', name: 'key', data: secret })
  await api.get('/meshes/default/secrets/key')

  const entries = await record(api)
  assert.deepEqual(
    entries.map(({ verb, area, kind, name }: Entry) => [verb, area, kind, name]),
    [
      ['issue', 'tokens', 'user', undefined],
      ['revoke', 'tokens', 'revocation', undefined],
      ['create', 'resources', 'AccessRole', 'x'],
      ['create', 'resources', 'Secret', 'key'],
      ['read', 'resources', 'Secret', 'key'],
    ],
  )
  const id = peekToken(made)!.claims.jti
  assert.deepEqual([entries[0].detail.tokenId, entries[0].detail.groups, entries[1].detail.id], [id, ['viewer'], id])
  assert.deepEqual(Object.keys(entries[3].after), ['revision'])
  const text = JSON.stringify(entries)
  for (const hidden of [secret, 'hunter2', made, made.split('.')[2]!]) assert.equal(text.includes(hidden), false)
})

test('a bulk is one entry that names every resource it changed', async () => {
  await using api = await anApi()
  await aMesh(api)
  await api.put('/meshes/default/meshservices/same', aService('same'))
  const items = [{ resource: aService('same') }, { resource: aService('new') }, { resource: { type: 'Mesh', name: 'shop' } }]

  await api.send('POST', '/bulk', { items })
  const [, bulk] = await record(api)

  assert.deepEqual(
    bulk.changes.map(({ verb, kind, mesh, name, after }: Entry) => [verb, kind, mesh, name, typeof after.digest]),
    [
      ['create', 'MeshService', 'default', 'new', 'string'],
      ['create', 'Mesh', undefined, 'shop', 'string'],
    ],
  )
  assert.deepEqual((await api.get('/audit?kind=MeshService&name=new')).body.items.length, 1)
})

test('the log is read newest first or in order, by page and filter, by auditors alone, and that it was read is in it', async () => {
  await using api = await anApi()
  for (let i = 0; i < 5; i++) await api.put(`/meshes/m${i}`, { type: 'Mesh', name: `m${i}` })
  const auditor = { token: await api.userToken(['auditor'], 'sam') }
  const shown = ({ body }: { body: Entry }) => body.items.map(({ sequence }: Entry) => sequence)

  const newest = await api.get('/audit?limit=2', auditor)
  assert.deepEqual(shown(newest), [5, 4])
  const older = await api.get(new URL(newest.body.next).pathname + new URL(newest.body.next).search, auditor)
  assert.deepEqual(shown(older), [3, 2])
  assert.deepEqual(shown(await api.get('/audit?from=4&limit=2', auditor)), [4, 5])
  assert.deepEqual(shown(await api.get('/audit?name=m3&kind=Mesh&who=admin', auditor)), [4])
  const reads = await api.get('/audit?who=sam', auditor)
  assert.deepEqual(
    reads.body.items.map(({ verb, area }: Entry) => [verb, area]),
    Array(4).fill(['read', 'audit']),
  )
  assert.deepEqual(reads.body.head.sequence, reads.body.items[0].sequence)
  assert.equal((await api.get('/audit/verification', auditor)).body.intact, true)

  assert.equal((await api.get('/audit', { token: await api.userToken(['operator']) })).status, 403)
  for (const wrong of ['limit=0', 'limit=1001', 'from=x', 'from=1&before=2', 'since=yesterday', 'whom=ann']) {
    const { status, body } = await api.get(`/audit?${wrong}`, auditor)
    assert.deepEqual([status, body.code], [400, 'SKERRY_RESOURCE_INVALID'], wrong)
  }
})

test('where the log cannot be written a write is not acknowledged, and the next is not even done', async t => {
  const dir = await mkdtemp(join(tmpdir(), 'skerry-audit-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const audit = await FileAuditLog.open(dir, { clock: systemClock, log: silentLog, segmentBytes: 1 })
  await using api = await anApi({ audit })
  const put = (name: string) => api.put(`/meshes/${name}`, { type: 'Mesh', name })
  await put('first')
  await mkdir(join(dir, 'audit-000000000002.jsonl'))

  const second = await put('second')
  const third = await put('third')
  assert.deepEqual(
    [second.status, second.body.code, third.status, third.body.code],
    [507, 'SKERRY_AUDIT_FAILED', 507, 'SKERRY_AUDIT_FAILED'],
  )
  assert.equal(api.registry.get({ kind: 'Mesh', mesh: '', name: 'third' }), undefined)
  assert.equal((await api.get('/meshes')).status, 200)

  await rmdir(join(dir, 'audit-000000000002.jsonl'))
  assert.equal((await put('third')).status, 201)
  const { items } = (await api.get('/audit?from=1')).body
  await audit.close()
  assert.deepEqual(
    items.map(({ verb, name }: Entry) => [verb, name]),
    [
      ['create', 'first'],
      ['resume', undefined],
      ['create', 'third'],
    ],
  )
})

test('in memory the newest are kept', async () => {
  const audit = new MemoryAuditLog(systemClock, 10)
  for (let i = 0; i < 100; i++) await audit.append({ who: null, remote: '', verb: 'x', area: 'audit', decision: 'allowed' })

  const { intact, entries, head } = await audit.verify()
  assert.ok(intact && entries >= 10 && entries <= 13)
  assert.equal(head.sequence, 100)
})
