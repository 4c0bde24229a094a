import assert from 'node:assert/strict'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { cli, fakeApi, filesOf } from './test-support.ts'

test('a token is printed, or kept in a file of its owner alone', async () => {
  await using api = await fakeApi(
    {},
    {
      'POST /tokens/dataplane': { status: 200, body: 'a.b.c' },
      'POST /tokens/user': {
        status: 403,
        body: { title: 'Access Denied', detail: 'user "ci" (viewer) cannot make tokens', code: 'SKERRY_ACCESS_DENIED' },
      },
    },
  )
  await using files = await filesOf({ 'hello.token': 'old' })
  const env = { SKERRY_API: api.url }
  const file = join(files.path, 'hello.token')

  const printed = await cli(['token', 'dataplane', '--workload', 'hello', '-z', 'azure-1', '--valid-for', '1h'], { env })
  await cli(['token', 'dataplane', '--proxy-type', 'ingress'], { env })
  const kept = await cli(['token', 'dataplane', '--out', file], { env })
  const denied = await cli(['token', 'user', 'ci', '--group', 'admin'], { env })

  assert.equal(printed.out, 'a.b.c\n')
  assert.deepEqual(api.requests[0]?.body, { mesh: 'default', workload: 'hello', type: 'dataplane', zone: 'azure-1', validFor: '1h' })
  assert.deepEqual(api.requests[1]?.body, { mesh: 'default', type: 'ingress' })
  assert.equal(kept.out, '')
  assert.equal(await readFile(file, 'utf8'), 'a.b.c\n')
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  assert.deepEqual([denied.code, /cannot make tokens/.test(denied.err)], [77, true])
})
