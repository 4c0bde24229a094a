import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cli, dataplane, elsewhere, fakeApi, meshOf, overview } from './test-support.ts'

test('get prints a table with age and state, and as JSON the body of the API', async () => {
  await using api = await fakeApi(meshOf([dataplane]), {
    'GET /meshes/default/dataplanes/_overview': { status: 200, body: { total: 1, items: [overview], next: null } },
  })
  const env = { SKERRY_API: api.url }

  const table = await cli(['get', 'dataplanes'], { env })
  const json = await cli(['get', 'dp', '-o', 'json'], { env })
  const one = await cli(['get', 'dataplane/web-1', '-o', 'yaml'], { env })

  assert.equal(
    table.out.replace(/\d+m(\d+s)?/, '3m12s'),
    'NAME    ZONE      WORKLOAD   ADDRESS     PORTS       STATUS   AGE\nweb-1   azure-1   web        127.0.0.1   main:8080   Online   3m12s\n',
  )
  const { total, items } = JSON.parse(json.out)
  assert.equal(total, 1)
  assert.deepEqual({ ...items[0], creationTime: '' }, { ...dataplane, creationTime: '' })
  assert.match(one.out, /^type: Dataplane\nmesh: default\nname: web-1\n/)
  assert.equal((await cli(['get', 'dataplanes', '-o', 'name'], { env })).out, 'dataplanes/web-1\n')
  assert.equal((await cli(['get', 'dataplanes', '--no-headers'], { env, columns: 20 })).out, 'web-1   azure-1   w…\n')
})

test('a list of many pages comes as one', async () => {
  const many = Array.from({ length: 1003 }, (_, i) => ({ ...dataplane, name: `web-${i}` }))
  await using api = await fakeApi(meshOf(many))

  const { out } = await cli(['get', 'dataplanes', '-o', 'json'], { env: { SKERRY_API: api.url } })

  const body = JSON.parse(out) as { total: number; items: unknown[]; next: unknown }
  assert.deepEqual([body.total, body.items.length, body.next], [1003, 1003, null])
})

test('an object of another zone is found by the name that people see', async () => {
  await using api = await fakeApi(
    meshOf([dataplane, elsewhere, { ...elsewhere, name: 'payments-1-xxxx', labels: { ...elsewhere.labels, 'kuma.io/zone': 'azure-1' } }]),
  )
  const env = { SKERRY_API: api.url }

  const ambiguous = await cli(['get', 'dataplane', 'payments-1'], { env })
  const chosen = await cli(['get', 'dataplane', 'payments-1', '-z', 'aws-1', '-o', 'name'], { env })

  assert.equal(ambiguous.code, 64)
  assert.match(ambiguous.err, /there are 2 dataplanes called payments-1: in aws-1, azure-1\nfix: say which: -z aws-1/)
  assert.equal(chosen.out, `dataplanes/${elsewhere.name}\n`)
})

test('what is not there ends with 4 and a guess', async () => {
  await using api = await fakeApi(meshOf([dataplane]))
  const env = { SKERRY_API: api.url }

  const missing = await cli(['get', 'dataplane', 'wbe-1'], { env })

  assert.deepEqual([missing.code, missing.out], [4, ''])
  assert.match(missing.err, /Dataplane default\/wbe-1 does not exist\nfix: did you mean web-1\?\ncode: SKERRY_NOT_FOUND\n/)
  assert.match((await cli(['get', 'meshservcies'], { env })).err, /there is no kind "meshservcies"\nfix: did you mean meshservices\?/)
})
