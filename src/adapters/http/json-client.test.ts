import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SourceCallError } from '../adapter.ts'
import { tlsFront } from '../managed-cluster/testing.ts'
import { type Lie, type Reply, ScriptedPlatform } from '../scripted-platform.ts'
import { JsonClient, type JsonClientOptions } from './json-client.ts'
import { withinBudget } from './within-budget.ts'

const soon = () => AbortSignal.timeout(60_000)

/** What comes of a GET that is answered so. */
async function answered(reply: Reply, options: JsonClientOptions = {}, lie: Lie = { kind: 'none' }): Promise<unknown> {
  await using platform = new ScriptedPlatform({ respond: () => reply })
  platform.lie = lie
  using client = new JsonClient(options)
  return await client.call({ url: `${await platform.start()}/things?token=long`, signal: soon() })
}

for (const [what, reply] of [
  ['denied', { status: 401, body: {} }],
  ['denied', { status: 403, body: { error: { code: 'AuthorizationFailed', message: 'no' } } }],
  ['throttled', { status: 429, body: {} }],
  ['throttled', { status: 403, body: { error: { code: 403, errors: [{ reason: 'rateLimitExceeded' }] } } }],
  ['throttled', { status: 429, body: { error: { code: 429, status: 'RESOURCE_EXHAUSTED' } } }],
  ['throttled', { status: 503, headers: { 'retry-after': '3' }, body: 'later' }],
  ['unreachable', { status: 503, body: 'later' }],
  ['unreachable', { status: 408, body: {} }],
  ['refused', { status: 404, body: { error: { code: 'ResourceNotFound' } } }],
  ['refused', { status: 302, headers: { location: 'http://127.0.0.1:1/' }, body: '' }],
  ['garbled', { status: 200, body: '<html>' }],
  ['garbled', { status: 200, body: '' }],
] as const satisfies readonly (readonly [string, Reply])[]) {
  test(`${reply.status} ${JSON.stringify(reply.body)} is told as ${what}`, async () => {
    await assert.rejects(answered(reply), { code: 'SKERRY_SOURCE_CALL', what })
  })
}

test('what a server says of a refusal is told, without the query', async () => {
  const refused = answered({ status: 404, body: { error: { code: 'ResourceNotFound', message: 'it was not found' } } })

  await assert.rejects(refused, {
    message: /^GET http:\/\/127\.0\.0\.1:\d+\/things answered 404 ResourceNotFound: it was not found$/,
    status: 404,
  })
})

for (const [header, date, expected] of [
  ['7', undefined, 7000],
  ['Sat, 21 Nov 2026 10:00:30 GMT', 'Sat, 21 Nov 2026 10:00:00 GMT', 30_000],
  ['Sat, 21 Nov 2026 09:00:00 GMT', 'Sat, 21 Nov 2026 10:00:00 GMT', 0],
  ['soon', undefined, undefined],
] as const) {
  test(`Retry-After: ${header} is ${expected} ms`, async () => {
    const headers = { 'retry-after': header, ...(date === undefined ? {} : { date }) }

    await assert.rejects(answered({ status: 429, headers, body: {} }), { retryAfterMs: expected })
  })
}

test('an answer that is too large, too late, half or cut off is given up', async () => {
  await assert.rejects(answered({ body: 'x'.repeat(100) }, { maxBytes: 50 }), { what: 'unreachable', message: /larger than 50 bytes/ })
  await assert.rejects(answered({ body: {} }, { timeoutMs: 50 }, { kind: 'hang' }), {
    what: 'unreachable',
    message: /no answer within 50 ms/,
  })
  await assert.rejects(answered({ body: { a: 'b' } }, {}, { kind: 'truncated' }), { what: 'garbled' })
  await assert.rejects(answered({ body: {} }, {}, { kind: 'reset' }), { what: 'unreachable' })
})

test('a call that is no longer wanted ends at once', async () => {
  await using platform = new ScriptedPlatform({ respond: () => ({ body: {} }) })
  platform.lie = { kind: 'hang' }
  using client = new JsonClient()
  const stop = new AbortController()
  const call = client.call({ url: await platform.start(), signal: stop.signal })

  stop.abort()

  await assert.rejects(call, { what: 'unreachable', message: /no longer wanted/ })
})

test('a server is trusted by the CA that is given, and by no other', async () => {
  await using platform = new ScriptedPlatform({ respond: () => ({ body: { fine: true } }) })
  await using front = await tlsFront(await platform.start())
  using knowing = new JsonClient({ ca: front.caPem })
  using unknowing = new JsonClient()

  assert.deepEqual(await knowing.call({ url: front.url, signal: soon() }), { fine: true })
  await assert.rejects(unknowing.call({ url: front.url, signal: soon() }), { what: 'unreachable' })
})

test('a body is sent as JSON', async () => {
  await using platform = new ScriptedPlatform({
    respond: ({ method, headers, body }) => ({ body: [method, headers['content-type'], body] }),
  })
  using client = new JsonClient()

  const answer = await client.call({ method: 'POST', url: await platform.start(), body: { a: 1 }, signal: soon() })

  assert.deepEqual(answer, ['POST', 'application/json', '{"a":1}'])
})

test('a call that came too soon is made again when the budget allows it, and not for ever', async () => {
  const rests: (number | undefined)[] = []
  const budget = { take: async () => {}, throttled: (_limit: unknown, retryAfterMs?: number) => void rests.push(retryAfterMs) }
  const limit = { key: 'k', perSecond: 1, burst: 1 }
  let calls = 0
  const call = (failures: number) => () =>
    ++calls <= failures ? Promise.reject(new SourceCallError('throttled', 'too many', { retryAfterMs: 5 })) : Promise.resolve('done')

  assert.equal(await withinBudget(budget, limit, soon(), call(2)), 'done')
  calls = 0
  await assert.rejects(withinBudget(budget, limit, soon(), call(9)), { what: 'throttled' })
  assert.deepEqual({ calls, rests }, { calls: 3, rests: [5, 5, 5, 5, 5] })
})
