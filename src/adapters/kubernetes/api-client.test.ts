import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../std/clock.ts'
import { type CallBudget, SourceConfigError } from '../adapter.ts'
import { ApiClient } from './api-client.ts'
import type { ClusterCredentials } from './connection.ts'

const signal = new AbortController().signal

test('a token that is refused is replaced once, and the one after that is kept', async t => {
  const given: string[] = []
  const token = async (refused?: string) => (refused === undefined ? (given.at(-1) ?? 'old') : 'new')
  const client = await aClient(t, { kind: 'token', token }, (request, response) => {
    given.push(request.headers.authorization!.slice('Bearer '.length))
    response.writeHead(given.at(-1) === 'new' ? 200 : 401).end('{}')
  })

  await client.json({ path: '/', signal })
  await client.json({ path: '/', signal })

  assert.deepEqual(given, ['old', 'new', 'new'])
})

test('a token that is refused again is denied, and credentials that cannot be had are, too', async t => {
  const refused = await aClient(t, { kind: 'token', token: async () => 'bad' }, (_, response) => response.writeHead(401).end('{}'))
  await assert.rejects(refused.json({ path: '/', signal }), { name: 'SourceCallError', what: 'denied' })

  const none = await aClient(t, { kind: 'token', token: () => Promise.reject(new Error('no plugin')) }, () => {})
  await assert.rejects(none.json({ path: '/', signal }), { name: 'SourceCallError', what: 'denied', message: /no plugin/ })
})

test('who is called too often says so to all who call it', async t => {
  const rests: (number | undefined)[] = []
  const budget = { take: async () => {}, throttled: (_: unknown, retryAfterMs?: number) => void rests.push(retryAfterMs) }
  const respond: RequestListener = (_, response) => response.writeHead(429, { 'retry-after': '3' }).end('{}')
  const client = await aClient(t, { kind: 'token', token: async () => 'x' }, respond, { budget })

  await assert.rejects(client.json({ path: '/', signal }), { what: 'throttled', retryAfterMs: 3000 })
  assert.deepEqual(rests, [3000])
})

test('a server that falls silent in the middle of its answer is given up', async t => {
  const client = await aClient(t, { kind: 'token', token: async () => 'x' }, (_, response) => response.writeHead(200).write('{"a":'), {
    silenceMs: 50,
  })

  await assert.rejects(client.json({ path: '/', signal }), { what: 'unreachable', message: /silent/ })
})

test('credentials go over TLS, or to this machine alone', () => {
  const open = (server: string) =>
    new ApiClient({
      connection: { id: 'c', locality: {}, server, credentials: { kind: 'token', token: async () => '' } },
      budget,
      clock: systemClock,
    })
  assert.throws(() => open('http://10.0.0.1:8080'), SourceConfigError)
  assert.throws(() => open('cluster'), SourceConfigError)
  open('https://10.0.0.1:6443')
  open('http://127.0.0.1:8001')
})

const budget: CallBudget = { take: async () => {}, throttled: () => {} }

async function aClient(
  t: TestContext,
  credentials: ClusterCredentials,
  respond: RequestListener,
  more: { readonly budget?: CallBudget; readonly silenceMs?: number } = {},
): Promise<ApiClient> {
  const server = createServer(respond)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = new ApiClient({ connection: { id: 'c', locality: {}, server: url, credentials }, budget, clock: systemClock, ...more })
  t.after(async () => {
    client[Symbol.dispose]()
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
  return client
}
