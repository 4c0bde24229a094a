import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cli, fakeApi } from './test-support.ts'

const identity = (name: string, type: string, labels: object = {}) => ({
  type: 'MeshIdentity',
  mesh: 'default',
  name,
  labels,
  spec: { provider: { type } },
})

test('a rotation asks every Bundled identity of the mesh for a new root, and leaves the rest of it as it is', async () => {
  const one = identity('one', 'Bundled', { team: 'a' })
  await using api = await fakeApi(
    {},
    {
      'GET /meshes/default/meshidentities': { status: 200, body: { total: 2, items: [one, identity('spire', 'Spire')], next: null } },
      'GET /meshes/default/meshidentities/one': { status: 200, body: one },
      'PUT /meshes/default/meshidentities/one': { status: 200, body: {} },
    },
  )

  const done = await cli(['identity', 'rotate'], { env: { SKERRY_API: api.url } })

  assert.equal(done.code, 0, done.err)
  const puts = api.requests.filter(request => request.method === 'PUT')
  assert.equal(puts.length, 1)
  const { labels, ...rest } = puts[0]!.body as { labels: Record<string, string> }
  assert.equal(labels.team, 'a')
  assert.match(labels['skerry.io/rotation']!, /^\d{8}T\d{6}Z$/)
  assert.deepEqual(rest, { type: 'MeshIdentity', mesh: 'default', name: 'one', spec: { provider: { type: 'Bundled' } } })
})

test('a mesh without roots of its own says what would have some', async () => {
  await using api = await fakeApi({}, { 'GET /meshes/default/meshidentities': { status: 200, body: { total: 0, items: [], next: null } } })
  const done = await cli(['identity', 'rotate'], { env: { SKERRY_API: api.url } })
  assert.equal(done.code, 4)
  assert.match(done.err, /provider Bundled/)
})
