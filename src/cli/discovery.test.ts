import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cli, fakeApi } from './test-support.ts'

const scope = {
  scope: 'aws/1/eu/ecs/prod',
  state: 'Held',
  reason: '3 of 4 workloads would be removed',
  lastSync: new Date(Date.now() - 65_000).toISOString(),
  lastError: null,
  workloads: 4,
  endpoints: 4,
  leftOut: 1,
  held: [{ id: 'a', reason: 'listings lack it', since: new Date().toISOString() }],
  pages: 2,
  calls: 7,
  tookMs: 40,
  follows: true,
}
const source = { zone: 'east', mesh: 'default', name: 'shop', type: 'ECS', enabled: true, error: '', problems: [], scopes: [scope] }
const thing = {
  zone: 'east',
  scope: scope.scope,
  id: 'task/4f1c9e',
  facts: { group: 'service:web' },
  outcome: 'left-out',
  reason: 'it has no port',
}

const answers = {
  'GET /discovery/sources': {
    status: 200,
    body: { items: [source, { ...source, name: 'vms', scopes: [], error: 'not yours' }], budgets: [], unreachable: [] },
  },
  'GET /discovery/sources/default/shop/explain': { status: 200, body: { items: [thing], unreachable: [] } },
  'POST /discovery/sources/default/shop/test': {
    status: 200,
    body: {
      items: [
        {
          zone: 'east',
          source: 'shop',
          error: '',
          fix: '',
          scopes: [{ scope: scope.scope, complete: false, missing: ['page 2'], error: '', pages: 1, calls: 1, tookMs: 1, things: [thing] }],
        },
      ],
      unreachable: [{ zone: 'west', error: 'it is not connected' }],
    },
  },
  'POST /discovery/sources/default/shop/release': {
    status: 200,
    body: { items: [{ zone: 'east', source: 'shop', removed: 3 }], unreachable: [] },
  },
}

test('list shows each scope with its state, what is held and why', async () => {
  await using api = await fakeApi({}, answers)

  const page = await cli(['discovery', 'list'], { env: { SKERRY_API: api.url } })

  assert.equal(page.code, 0, page.err)
  assert.match(page.out, /^SOURCE +TYPE +ZONE +SCOPE +STATE +WORKLOADS +LEFT OUT +HELD +SYNCED +REASON/)
  assert.match(page.out, /shop +ECS +east +aws\/1\/eu\/ecs\/prod +Held +4 +1 +1 +\d+m(\d+s)? +3 of 4 workloads would be removed/)
  assert.match(page.out, /vms +ECS +east +- +Failing .* not yours/)
})

test('explain says what became of a thing, and why', async () => {
  await using api = await fakeApi({}, answers)
  await using empty = await fakeApi(
    {},
    { 'GET /discovery/sources/default/shop/explain': { status: 200, body: { items: [], unreachable: [] } } },
  )

  const page = await cli(['discovery', 'explain', 'shop', '4f1'], { env: { SKERRY_API: api.url } })
  const nothing = await cli(['discovery', 'explain', 'shop', '4f1'], { env: { SKERRY_API: empty.url } })

  assert.match(page.out, /Outcome +left-out\nWhy +it has no port\n/)
  assert.equal(nothing.code, 1)
  assert.match(nothing.err, /nothing that shop has found/)
})

test('test tells what is wrong with what was listed, and fails for it', async () => {
  await using api = await fakeApi({}, answers)

  const page = await cli(['discovery', 'test', 'shop', '-z', 'east'], { env: { SKERRY_API: api.url } })

  assert.equal(page.code, 1)
  assert.match(page.out, /task\/4f1c9e +left-out/)
  assert.match(page.err, /the listing is not complete: page 2/)
  assert.match(page.err, /zone west could not be asked/)
})

test('release says how many were removed', async () => {
  await using api = await fakeApi({}, answers)

  const page = await cli(['discovery', 'release', 'shop', '--scope', scope.scope], { env: { SKERRY_API: api.url } })

  assert.equal(page.code, 0, page.err)
  assert.match(page.out, /shop +east +3/)
  assert.deepEqual(api.requests.at(-1)?.body, { scope: scope.scope })
})
