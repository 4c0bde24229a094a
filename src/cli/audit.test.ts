import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { FileAuditLog } from '../audit/file-audit-log.ts'
import { systemClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import { cli, fakeApi, filesOf } from './test-support.ts'

const entry = {
  sequence: 7,
  time: '2026-06-01T12:00:00.000Z',
  who: { name: 'ann', groups: ['admin'] },
  remote: '10.0.0.9',
  verb: 'update',
  area: 'resources',
  kind: 'MeshHTTPRoute',
  mesh: 'default',
  name: 'pay',
  decision: 'denied',
  status: 403,
  reason: 'SKERRY_FORBIDDEN: no',
}

test('what was done is shown as the API has it, or as a table', async () => {
  const page = { items: [entry], next: null, head: { sequence: 7, hash: 'ab' } }
  await using api = await fakeApi({}, { 'GET /audit': { status: 200, body: page } })
  const env = { SKERRY_API: api.url }

  const table = await cli(['audit', 'list', '--who', 'ann', '--limit', '5', '-o', 'wide'], { env })
  const json = await cli(['audit', 'list', '-o', 'json'], { env })

  assert.match(
    table.out,
    /^SEQ +AGE +WHO +VERB +WHAT +RESULT +FROM +STATUS +REASON\n7 .* ann +update +MeshHTTPRoute default\/pay +denied +10\.0\.0\.9 +403 /,
  )
  assert.deepEqual(JSON.parse(json.out), page)
  assert.match(api.requests[0]!.path, /who=ann&limit=5/)
})

test('the files of a log are verified without a control plane, and a change makes it fail', async () => {
  await using files = await filesOf({})
  const dir = join(files.path, 'audit')
  const log = await FileAuditLog.open(dir, { clock: systemClock, log: silentLog })
  await log.append({ who: null, remote: '', verb: 'create', area: 'resources', name: 'shop', decision: 'allowed' })
  await log.close()

  const good = await cli(['audit', 'verify', '--dir', dir])
  const file = join(dir, 'audit-000000000001.jsonl')
  await writeFile(file, (await readFile(file, 'utf8')).replace('shop', 'shep'))
  const bad = await cli(['audit', 'verify', '--dir', 'audit', '-o', 'json'], { cwd: files.path })

  assert.deepEqual([good.code, bad.code], [0, 1])
  assert.match(good.out, /yes +1 +1 +1/)
  assert.equal(JSON.parse(bad.out).intact, false)
  assert.match(bad.err, /audit-000000000001\.jsonl:1 \(entry 1\): the entry was changed/)
})

test('a token is revoked by its id or by its file, which does not reach the command line', async () => {
  const told = { type: 'user', id: 'id-1' }
  await using api = await fakeApi({}, { 'POST /tokens/revocations': { status: 200, body: told } })
  await using files = await filesOf({ leaked: 'a.b.c\n' })
  const env = { SKERRY_API: api.url }

  const byId = await cli(['token', 'revoke', 'id-1', '--type', 'user'], { env })
  const byFile = await cli(['token', 'revoke', '-f', join(files.path, 'leaked'), '-o', 'json'], { env })
  const proxies = await cli(['token', 'revoke', '--type', 'dataplane', '-m', 'shop', '--issued-before', '2026-06-01T00:00:00Z'], { env })

  assert.deepEqual([byId.code, byFile.code, proxies.code], [0, 0, 0])
  assert.deepEqual(
    api.requests.map(({ body }) => body),
    [{ id: 'id-1', type: 'user' }, { token: 'a.b.c' }, { type: 'dataplane', issuedBefore: '2026-06-01T00:00:00Z', mesh: 'shop' }],
  )
  assert.deepEqual(JSON.parse(byFile.out), told)
  for (const line of [[], ['id-1'], ['id-1', '-f', 'x', '--type', 'user']]) {
    assert.equal((await cli(['token', 'revoke', ...line], { env })).code, 64, line.join(' '))
  }
})

test('keys are listed, rotated and retired', async () => {
  const keys = { total: 1, items: [{ kid: 'user-2', type: 'user', signs: true }], next: null }
  await using api = await fakeApi(
    {},
    {
      'GET /tokens/keys': { status: 200, body: keys },
      'POST /tokens/keys/user': { status: 200, body: { type: 'user', kid: 'user-2' } },
      'DELETE /tokens/keys/user/user-1': { status: 200, body: {} },
    },
  )
  const env = { SKERRY_API: api.url }

  assert.match((await cli(['token', 'keys'], { env })).out, /user +user-2 +signs/)
  assert.equal((await cli(['token', 'keys', 'rotate', 'user'], { env })).code, 0)
  assert.equal((await cli(['token', 'keys', 'retire', 'user', 'user-1'], { env })).code, 0)
  assert.equal((await cli(['token', 'keys', 'retire', 'user'], { env })).code, 64)
  assert.equal((await cli(['token', 'keys', 'rotat'], { env })).code, 64)
})

test('of the tokens that were made those that are good are shown', async () => {
  const token = {
    id: 'a',
    type: 'user',
    subject: 'ann',
    groups: ['viewer'],
    issued: '2026-06-01T12:00:00Z',
    issuedBy: 'admin',
    expires: '2999-01-01T00:00:00Z',
  }
  const items = [
    { ...token, state: 'active' },
    { ...token, id: 'b', state: 'revoked' },
  ]
  await using api = await fakeApi({}, { 'GET /tokens': { status: 200, body: { total: 2, items, next: null } } })
  const env = { SKERRY_API: api.url }

  assert.equal((await cli(['token', 'list', '-o', 'name'], { env })).out, 'a\n')
  assert.equal((await cli(['token', 'list', '--all', '-o', 'name'], { env })).out, 'a\nb\n')
})
