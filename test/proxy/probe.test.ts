import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Server, ServerCredentials, status } from '@grpc/grpc-js'
import { ApplicationHealth } from '../../src/proxy/application-health.ts'
import { readHealthCheck } from '../../src/proxy/health-check.ts'
import { type ProbeResult, runProbe } from '../../src/proxy/probe.ts'
import { ManualClock } from '../../src/std/clock.ts'
import { seededRandom } from '../../src/std/random.ts'
import { atEnd, settle } from './support.ts'

const timeoutMs = 10_000
const host = '127.0.0.1'

/** Bytes as they are: the messages of grpc.health.v1 are two bytes long. */
const bytes = (buffer: Buffer) => buffer

/** A gRPC server of grpc-js whose services are in these states; other services it does not know. */
async function aHealthServer(context: TestContext, states: Readonly<Record<string, number>>): Promise<number> {
  const server = new Server()
  const method = { path: '/grpc.health.v1.Health/Check', requestStream: false, responseStream: false }
  const codec = { requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes }
  server.addService(
    { Check: { ...method, ...codec } } as never,
    {
      Check(call: { request: Buffer }, answer: (error: object | null, value?: Buffer) => void) {
        const state = states[call.request.subarray(2).toString()]
        if (state === undefined) answer({ code: status.NOT_FOUND, details: 'unknown service' })
        else answer(null, state === 0 ? Buffer.alloc(0) : Buffer.from([0x08, state]))
      },
    } as never,
  )
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`${host}:0`, ServerCredentials.createInsecure(), (error, port) => (error ? reject(error) : resolve(port))),
  )
  atEnd(context, () => server.forceShutdown())
  return port
}

test('a gRPC server is asked by grpc.health.v1', async context => {
  const port = await aHealthServer(context, { '': 1, 'shop.Orders': 1, 'shop.Carts': 2, 'shop.New': 0 })
  const ask = (service: string) => runProbe({ kind: 'grpc', host, port, service }, timeoutMs)

  assert.deepEqual(await ask(''), { kind: 'up' })
  assert.deepEqual(await ask('shop.Orders'), { kind: 'up' })
  assert.deepEqual(await ask('shop.Carts'), { kind: 'down', reason: 'grpc.health.v1 says that shop.Carts is NOT_SERVING' })
  assert.deepEqual(await ask('shop.New'), { kind: 'down', reason: 'grpc.health.v1 says that shop.New is UNKNOWN' })
  assert.deepEqual(await ask('shop.Else'), { kind: 'down', reason: 'grpc.health.v1 answered status 5 unknown service' })
})

test('what is no gRPC server is down, and nobody there is proof', async context => {
  const server = createServer((_request, response) => response.end('hello'))
  await new Promise<void>(resolve => server.listen(0, host, resolve))
  atEnd(context, () => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo

  assert.equal((await runProbe({ kind: 'grpc', host, port, service: '' }, timeoutMs)).kind, 'down')
  assert.equal((await runProbe({ kind: 'grpc', host, port: 1, service: '' }, timeoutMs)).kind, 'refused')
})

test('an HTTP check has a method and statuses of its own', async context => {
  const methods: string[] = []
  const server = createServer((request, response) => {
    methods.push(request.method ?? '')
    response.writeHead(418).end()
  })
  await new Promise<void>(resolve => server.listen(0, host, resolve))
  atEnd(context, () => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const ask = (extra: object) => runProbe({ kind: 'http', host, port, path: '/', ...extra }, timeoutMs)

  assert.deepEqual(await ask({}), { kind: 'down', reason: 'GET / answered 418' })
  assert.deepEqual(
    await ask({
      method: 'HEAD',
      codes: [
        [200, 299],
        [418, 418],
      ],
    }),
    { kind: 'up' },
  )
  assert.deepEqual(methods, ['GET', 'HEAD'])
})

test('a command is good when it ends with 0, and its words are its reason when not', async () => {
  const ask = (command: readonly string[], within = timeoutMs) => runProbe({ kind: 'exec', command }, within)

  assert.deepEqual(await ask([process.execPath, '-e', '']), { kind: 'up' })
  const failed = (await ask([process.execPath, '-e', 'console.error("no disk"); process.exit(3)'])) as Extract<
    ProbeResult,
    { kind: 'down' }
  >
  assert.match(failed.reason, /ended with 3: no disk$/)
  const late = (await ask([process.execPath, '-e', 'setInterval(() => {}, 1000)'], 100)) as Extract<ProbeResult, { kind: 'down' }>
  assert.match(late.reason, /did not end within 100 ms/)
  assert.equal((await ask(['/no/such/program'])).kind, 'down')
})

test('a command gets its words as they are: there is no shell between', async () => {
  const script = 'process.exit(process.argv[1] === "$HOME;true" ? 0 : 1)'

  assert.deepEqual(await runProbe({ kind: 'exec', command: [process.execPath, '-e', script, '$HOME;true'] }, timeoutMs), { kind: 'up' })
})

for (const [text, expected] of [
  ['tcp', { kind: 'tcp' }],
  ['none', { kind: 'none' }],
  ['http:/healthz', { kind: 'http', path: '/healthz' }],
  ['grpc', { kind: 'grpc', service: '' }],
  ['grpc:shop.Orders', { kind: 'grpc', service: 'shop.Orders' }],
  ['exec:/usr/bin/check --fast', { kind: 'exec', command: ['/usr/bin/check', '--fast'] }],
  ['http:healthz', null],
  ['grpc:', null],
  ['exec:', null],
  ['', null],
] as const) {
  test(`a check that is written ${JSON.stringify(text)} is ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(readHealthCheck(text), expected)
  })
}

test('with counts of its own, as many good checks bring a service in and as many bad ones take it out', async context => {
  const clock = new ManualClock()
  const changes: string[] = []
  let result: ProbeResult = { kind: 'up' }
  const health = new ApplicationHealth({
    inbounds: [
      {
        name: 'main',
        probe: { kind: 'tcp', host, port: 1 },
        timing: { intervalMs: 1000, timeoutMs: 100, rise: 2, fall: 3 },
      },
    ],
    clock,
    random: seededRandom(3),
    onChange: ([main]) => changes.push(main!.ready ? 'ready' : main!.reason),
    run: async () => result,
  })
  atEnd(context, () => health.close())

  health.start()
  await settle()
  await clock.run(1100)
  await settle()
  assert.deepEqual(changes, ['1 of 2 checks in a row were good so far', 'ready'])

  result = { kind: 'down', reason: 'no answer' }
  await clock.run(1800)
  await settle()
  assert.equal(changes.length, 2)
  await clock.run(1600)
  await settle()
  assert.deepEqual(changes.slice(2), ['no answer'])
})
