import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { test } from 'node:test'
import { ProviderError } from '../../sdk/provider/problem.ts'
import { ControlPlane, type ControlPlaneOptions } from './control-plane.ts'
import { problemsOfAnswer } from './refusal.ts'

/** A server that answers as it is told, and a client of it. */
async function aServer(
  handle: (request: IncomingMessage, response: ServerResponse, count: number) => void,
  options: Partial<ControlPlaneOptions> = {},
) {
  let count = 0
  const server = createServer((request, response) => handle(request, response, ++count))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { readonly port: number }
  const client = new ControlPlane({
    endpoint: new URL(`http://127.0.0.1:${port}/mesh`),
    token: 'secret',
    caCertificate: undefined,
    isInsecure: false,
    timeoutMs: 10_000,
    retries: 3,
    signal: new AbortController().signal,
    ...options,
  })
  return {
    client,
    count: () => count,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

const busy = (response: ServerResponse, status: number) => response.writeHead(status, { 'retry-after': '0' }).end('{}')

test('a request is sent again while the control plane has no time, and its answer is that of the last', async () => {
  await using server = await aServer((request, response, count) => {
    if (count < 3) return void busy(response, count === 1 ? 429 : 503)
    response
      .writeHead(200, { 'content-type': 'application/json', etag: '"7"' })
      .end(JSON.stringify({ path: request.url, who: request.headers.authorization }))
  })

  assert.deepEqual(await server.client.send('GET', '/zones'), {
    status: 200,
    etag: '"7"',
    body: { path: '/mesh/zones', who: 'Bearer secret' },
  })
  assert.equal(server.count(), 3)
})

test('patience ends with the last retry', async () => {
  await using server = await aServer((_, response) => void busy(response, 503), { retries: 2 })

  assert.equal((await server.client.send('GET', '/zones')).status, 503)
  assert.equal(server.count(), 3)
})

test('other refusals are answers, and are not sent again', async () => {
  await using server = await aServer((_, response) => void busy(response, 409))

  assert.equal((await server.client.send('PUT', '/zones/x', { body: {} })).status, 409)
  assert.equal(server.count(), 1)
})

test('a server that says nothing is given up, and so is one that Terraform was told to stop asking', async () => {
  await using silent = await aServer(() => {}, { timeoutMs: 50 })
  await assert.rejects(silent.client.send('GET', '/zones'), (error: ProviderError) => /no answer in 0.05s/.test(error.message))

  const stop = new AbortController()
  const stopped = new ProviderError({ summary: 'Stopped' })
  await using other = await aServer(() => stop.abort(stopped), { signal: stop.signal })
  await assert.rejects(other.client.send('GET', '/zones'), stopped)
})

test('a refusal is told in the words of the API, at the attributes that it names', () => {
  const body = {
    title: 'Could not process a resource',
    detail: 'Resource is not valid',
    invalid_parameters: [
      { field: 'spec.to[0].targetRef', reason: 'must be defined' },
      { field: '', reason: 'must be an object' },
    ],
  }

  const problems = problemsOfAnswer({ status: 400, etag: undefined, body }, field => (field.length === 0 ? undefined : field))

  assert.deepEqual(
    problems,
    [
      { summary: body.title, detail: 'spec.to[0].targetRef: must be defined', path: ['spec', 'to', 0, 'targetRef'] },
      { summary: body.title, detail: 'must be an object', path: [] },
    ].map((problem, index) => (index === 1 ? { summary: problem.summary, detail: problem.detail } : problem)),
  )
  assert.match(problemsOfAnswer({ status: 401, etag: undefined, body: '' })[0]!.detail!, /SKERRY_TOKEN/)
})
