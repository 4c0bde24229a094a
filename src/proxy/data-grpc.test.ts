import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type IncomingHttpHeaders } from 'node:http2'
import { test } from 'node:test'
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js'
import type { Permissions } from './compile/table.ts'
import { freePort, pause, retryEverything } from './testing.ts'
import { aChain, until } from './testing-http2.ts'

const bytes = { requestStream: false, responseStream: false, ...serializers() }
function serializers() {
  const same = (value: Buffer) => value
  return { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same }
}
const definition = {
  Unary: { path: '/test.Echo/Unary', ...bytes },
  Collect: { path: '/test.Echo/Collect', ...bytes, requestStream: true },
  Expand: { path: '/test.Echo/Expand', ...bytes, responseStream: true },
  Chat: { path: '/test.Echo/Chat', ...bytes, requestStream: true, responseStream: true },
}

interface Observed {
  cancelled: number
  calls: number
  /** Parts of the last answer that streams. */
  written: number
  readonly metadata: Metadata[]
  readonly deadlines: (number | Date)[]
}

/** A gRPC application: what a call does, its text says. */
async function aGrpcApp(): Promise<{ port: number; observed: Observed } & AsyncDisposable> {
  const observed: Observed = { cancelled: 0, calls: 0, written: 0, metadata: [], deadlines: [] }
  const note = (call: { metadata: Metadata; getDeadline(): number | Date; on(event: 'cancelled', listener: () => void): unknown }) => {
    observed.calls++
    observed.metadata.push(call.metadata)
    observed.deadlines.push(call.getDeadline())
    call.on('cancelled', () => observed.cancelled++)
  }
  const server = new Server({ 'grpc.max_receive_message_length': -1 })
  server.addService(definition, {
    Unary(call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) {
      note(call)
      const text = call.request.subarray(0, 32).toString()
      const trailer = new Metadata()
      trailer.set('x-trailer', 'last word')
      if (text === 'never') return
      if (text.startsWith('fail')) reply({ code: Number(text.slice(5)), details: 'as you wish: 100 %', metadata: trailer })
      else if (text === 'flaky' && observed.calls < 3) reply({ code: status.UNAVAILABLE, details: 'not yet' })
      else reply(null, call.request, trailer)
    },
    Collect(call: ServerReadableStream<Buffer, Buffer>, reply: sendUnaryData<Buffer>) {
      note(call)
      let size = 0
      call.on('data', (part: Buffer) => {
        size += part.length
      })
      call.on('end', () => reply(null, Buffer.from(String(size))))
    },
    Expand(call: ServerWritableStream<Buffer, Buffer>) {
      note(call)
      const count = Number(call.request.toString())
      let sent = 0
      const more = () => {
        while (sent < count) {
          observed.written = ++sent
          if (!call.write(Buffer.alloc(64 * 1024, sent % 256))) {
            call.once('drain', more)
            return
          }
        }
        call.end()
      }
      more()
    },
    Chat(call: ServerDuplexStream<Buffer, Buffer>) {
      note(call)
      call.on('data', (part: Buffer) => call.write(Buffer.concat([Buffer.from('re: '), part])))
      call.on('end', () => call.end())
    },
  })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))),
  )
  return {
    port,
    observed,
    async [Symbol.asyncDispose]() {
      server.forceShutdown()
    },
  }
}

function aGrpcClient(port: number): Client & Disposable {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.enable_retries': 0,
  })
  return Object.assign(client, { [Symbol.dispose]: () => client.close() })
}

const same = (value: Buffer) => value

function unary(client: Client, message: Buffer | string, options: { deadlineMs?: number; metadata?: Metadata } = {}) {
  return new Promise<{ error: ServiceError | null; reply?: Buffer | undefined; trailer: Metadata }>(resolve => {
    let trailer = new Metadata()
    let outcome: { error: ServiceError | null; reply?: Buffer | undefined }
    const deadline = options.deadlineMs === undefined ? {} : { deadline: Date.now() + options.deadlineMs }
    const call = client.makeUnaryRequest<Buffer, Buffer>(
      '/test.Echo/Unary',
      same,
      same,
      Buffer.from(message),
      options.metadata ?? new Metadata(),
      deadline,
      (error, reply) => {
        outcome = { error, reply }
      },
    )
    call.on('status', ({ metadata }) => {
      trailer = metadata
      setImmediate(() => resolve({ ...outcome, trailer }))
    })
  })
}

test('gRPC calls of all four kinds go through two sidecars, with metadata, trailers and statuses', async () => {
  await using app = await aGrpcApp()
  await using chain = await aChain(app.port)
  using client = aGrpcClient(chain.outbound)
  const metadata = new Metadata()
  metadata.set('x-from', 'web')
  metadata.set('under_score', 'kept')
  metadata.set('blob-bin', Buffer.from([0, 255]))

  const { error, reply, trailer } = await unary(client, 'hello', { metadata })
  assert.deepEqual([error, reply?.toString(), trailer.get('x-trailer')], [null, 'hello', ['last word']])
  const had = app.observed.metadata[0]!
  assert.deepEqual([had.get('x-from'), had.get('under_score'), had.get('blob-bin')], [['web'], ['kept'], [Buffer.from([0, 255])]])
  assert.match(String(had.get('x-forwarded-client-cert')[0]), /URI=spiffe:\/\/mesh.local\/workload\/web/)

  const failed = await unary(client, 'fail 5')
  assert.deepEqual([failed.error?.code, failed.error?.details, failed.trailer.get('x-trailer')], [5, 'as you wish: 100 %', ['last word']])

  const size = await new Promise<string>((resolve, reject) => {
    const call = client.makeClientStreamRequest<Buffer, Buffer>('/test.Echo/Collect', same, same, (problem, answer) =>
      problem ? reject(problem) : resolve(answer!.toString()),
    )
    for (let i = 0; i < 100; i++) call.write(Buffer.alloc(1000))
    call.end()
  })
  assert.equal(size, '100000')

  const chat = client.makeBidiStreamRequest<Buffer, Buffer>('/test.Echo/Chat', same, same)
  for (let i = 0; i < 50; i++) {
    chat.write(Buffer.from(`${i}`))
    const [answer] = (await once(chat, 'data')) as [Buffer]
    assert.equal(answer.toString(), `re: ${i}`)
  }
  const ended = once(chat, 'status')
  chat.end()
  assert.equal((await ended)[0].code, status.OK)
})

test('one connection between the sidecars carries many calls at a time', async () => {
  await using app = await aGrpcApp()
  await using chain = await aChain(app.port)
  using client = aGrpcClient(chain.outbound)

  const answers = await Promise.all(Array.from({ length: 300 }, (_, i) => unary(client, `message ${i}`)))

  assert.ok(answers.every(({ reply }, i) => reply?.toString() === `message ${i}`))
  const opened = [...chain.server.counters()].find(([name]) => /connections.*inbound|inbound.*connections/.test(name))
  assert.ok(opened === undefined || opened[1] <= 4, String(opened))
})

test('large messages pass, and a reader that does not read stops the writer', async () => {
  await using app = await aGrpcApp()
  await using chain = await aChain(app.port)
  using client = aGrpcClient(chain.outbound)
  const large = Buffer.alloc(5 * 1024 * 1024, 'x')
  const { reply } = await unary(client, large)
  assert.ok(reply?.equals(large))

  const total = 64 * 16
  const call = client.makeServerStreamRequest<Buffer, Buffer>('/test.Echo/Expand', same, same, Buffer.from(String(total)))
  const [first] = (await once(call, 'data')) as [Buffer]
  call.pause()
  let written = 0
  for (let now = app.observed.written; now !== written; now = app.observed.written) {
    written = now
    await pause(300)
  }
  let received = first.length
  call.on('data', (part: Buffer) => {
    received += part.length
  })
  call.resume()
  await once(call, 'end')

  assert.equal(received, total * 64 * 1024)
  assert.ok(written < total / 2, `${written} of ${total} parts were taken for a reader that did not read`)
})

test('a deadline is told to the application, lowered to the route’s, and ends the call', async () => {
  await using app = await aGrpcApp()
  await using chain = await aChain(app.port, { route: { timeoutMs: 2_000 } })
  using client = aGrpcClient(chain.outbound)

  const { error } = await unary(client, 'never', { deadlineMs: 60_000 })
  assert.equal(error?.code, status.DEADLINE_EXCEEDED)
  assert.ok(Number(app.observed.deadlines[0]) - Date.now() < 3_000)
  await until('the application hears of it', () => app.observed.cancelled === 1)
  const answered = await unary(client, 'hello', { deadlineMs: 1_500 })
  assert.equal(answered.error, null)
})

test('the caller’s own deadline holds at the sidecar too', async () => {
  await using app = await aGrpcApp()
  await using chain = await aChain(app.port)
  const session = connect(`http://127.0.0.1:${chain.outbound}`)
  const stream = session.request({
    ':method': 'POST',
    ':path': '/test.Echo/Unary',
    'content-type': 'application/grpc',
    te: 'trailers',
    'grpc-timeout': '200m',
  })
  stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, 5]), Buffer.from('never')]))
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]

  assert.deepEqual([headers[':status'], headers['grpc-status']], [200, '4'])
  session.close()
})

test('a call that its caller cancels is cancelled at the application', async () => {
  await using app = await aGrpcApp()
  await using chain = await aChain(app.port)
  using client = aGrpcClient(chain.outbound)
  const chat = client.makeBidiStreamRequest<Buffer, Buffer>('/test.Echo/Chat', same, same)
  chat.on('error', () => {})
  chat.write(Buffer.from('hello'))
  await once(chat, 'data')

  chat.cancel()

  await until('the application hears of it', () => app.observed.cancelled === 1)
})

test('a call that is not permitted fails with PERMISSION_DENIED, and one to nobody with UNAVAILABLE', async () => {
  await using app = await aGrpcApp()
  const nobody: Permissions = { deny: [], allow: [] }
  {
    await using chain = await aChain(app.port, { permissions: nobody })
    using client = aGrpcClient(chain.outbound)
    const { error } = await unary(client, 'hello')
    assert.deepEqual([error?.code, error?.details], [status.PERMISSION_DENIED, 'RBAC: access denied'])
    assert.equal(app.observed.calls, 0)
  }
  await using chain = await aChain(await freePort())
  using client = aGrpcClient(chain.outbound)
  assert.equal((await unary(client, 'hello')).error?.code, status.UNAVAILABLE)
})

test('a call is tried again when its status is one to try again on', async () => {
  await using app = await aGrpcApp()
  const retry = { ...retryEverything, gatewayError: false, grpcStatuses: new Set<number>([status.UNAVAILABLE]) }
  await using chain = await aChain(app.port, { route: { retry } })
  using client = aGrpcClient(chain.outbound)

  const { error, reply } = await unary(client, 'flaky')

  assert.deepEqual([error, reply?.toString(), app.observed.calls], [null, 'flaky', 3])
  assert.equal((await unary(client, 'fail 3')).error?.code, 3)
  assert.equal(app.observed.calls, 4)
})
