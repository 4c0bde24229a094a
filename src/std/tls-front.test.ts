import assert from 'node:assert/strict'
import { get } from 'node:https'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { connectStream, GrpcChannel, type GrpcChannelOptions } from './grpc-channel.ts'
import { GrpcServer, type GrpcServerOptions, serveStreams } from './grpc-server.ts'
import { PortTakenError } from './listen.ts'
import type { MessageStream } from './message-stream.ts'
import { testCertificate } from './test-certificate.ts'
import { TlsFront } from './tls-front.ts'

const path = '/test.Echo/Connect'
const { rootCaPem, server: certificate } = await testCertificate()

async function aFront(handler: (stream: MessageStream) => void, options: GrpcServerOptions = {}) {
  const grpc = new GrpcServer(options)
  serveStreams(grpc, path, handler)
  const front = await TlsFront.start({
    address: { host: '127.0.0.1', port: 0 },
    flag: '--xds',
    certificate,
    grpc,
    http: (request, response) => response.end(`plain ${request.url}`),
  })
  after(() => front.close({ graceMs: 0 }))
  return front
}

function aChannel(port: number, options: GrpcChannelOptions = {}) {
  const channel = new GrpcChannel(`127.0.0.1:${port}`, { tls: { rootCaPem }, ...options })
  after(() => channel.close())
  return channel
}

async function echo(stream: MessageStream) {
  try {
    for await (const message of stream.messages) stream.send(message)
    stream.end()
  } catch {
    // The client went away.
  }
}

async function first(stream: MessageStream): Promise<string | undefined> {
  for await (const message of stream.messages) return Buffer.from(message).toString()
  return undefined
}

function fetchPlain(port: number, target: string, ca = rootCaPem): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: target, ca, agent: false }, response => {
      let text = ''
      response.on('data', chunk => {
        text += chunk
      })
      response.on('end', () => resolve(text))
    }).on('error', reject)
  })
}

test('one port serves gRPC and plain HTTP', async () => {
  const front = await aFront(echo)
  const stream = connectStream(aChannel(front.address.port), path)

  stream.send(Buffer.from('hello'))

  assert.equal(await first(stream), 'hello')
  assert.equal(await fetchPlain(front.address.port, '/ca.pem'), 'plain /ca.pem')
})

test('the server sees the metadata and the address of its client', async () => {
  const seen = Promise.withResolvers<MessageStream>()
  const front = await aFront(seen.resolve)

  const stream = connectStream(aChannel(front.address.port), path, { authorization: 'Bearer abc' })
  const server = await seen.promise

  assert.equal(server.metadata.get('authorization'), 'Bearer abc')
  assert.match(server.peer, /^127\.0\.0\.1:\d+$/)
  server.end()
  assert.equal((await stream.closed).code, 'OK')
})

test('a refusal arrives with its code and text, before and after messages', async () => {
  const front = await aFront(stream => {
    stream.send(Buffer.from('one'))
    stream.end({ code: 'PERMISSION_DENIED', message: 'token of another zone' })
  })
  const stream = connectStream(aChannel(front.address.port), path)

  const received: string[] = []
  await assert.rejects(
    async () => {
      for await (const message of stream.messages) received.push(Buffer.from(message).toString())
    },
    { code: 'SKERRY_STREAM_CLOSED', message: 'PERMISSION_DENIED: token of another zone' },
  )

  assert.deepEqual(received, ['one'])
  assert.deepEqual(await stream.closed, { code: 'PERMISSION_DENIED', message: 'token of another zone' })
})

test('a client that aborts is gone for the server', async () => {
  const seen = Promise.withResolvers<MessageStream>()
  const front = await aFront(seen.resolve)
  const abort = new AbortController()
  const stream = connectStream(aChannel(front.address.port), path, {}, { signal: abort.signal })
  const server = await seen.promise

  abort.abort()

  assert.equal((await stream.closed).code, 'CANCELLED')
  assert.equal((await server.closed).code, 'CANCELLED')
})

test('a reader that stops makes the writer wait, and nothing is lost', async () => {
  const seen = Promise.withResolvers<MessageStream>()
  const front = await aFront(seen.resolve)
  const stream = connectStream(aChannel(front.address.port), path)
  const server = await seen.promise
  const message = Buffer.alloc(256 * 1024, 1)

  let sent = 0
  while (sent < 1000) {
    sent++
    if (!server.send(message)) break
  }
  const waited = await Promise.race([server.drained().then(() => 'drained'), new Promise(resolve => setTimeout(resolve, 100, 'waiting'))])
  let received = 0
  server.end()
  for await (const each of stream.messages) received += each.length

  assert.ok(sent < 100, `took ${sent} messages without a word`)
  assert.equal(received, sent * message.length)
  assert.ok(waited === 'waiting' || waited === 'drained')
})

test('a connection that goes silent breaks within the keepalive time', async () => {
  const front = await aFront(echo)
  const proxy = await aSilenceableProxy(front.address.port)
  const channel = aChannel(proxy.port, { keepaliveMs: 100, keepaliveTimeoutMs: 100 })
  const stream = connectStream(channel, path)
  stream.send(Buffer.from('hello'))
  assert.equal(await first(stream), 'hello')

  const before = performance.now()
  proxy.silence()
  const status = await stream.closed

  assert.equal(status.code, 'UNAVAILABLE')
  assert.ok(performance.now() - before < 1000)
})

test('a connection that is not made in time fails, and the next attempt is a new one', async () => {
  const front = await aFront(echo)
  const proxy = await aSilenceableProxy(front.address.port)
  const channel = aChannel(proxy.port, { connectTimeoutMs: 500 })
  proxy.silence()

  const failed = await connectStream(channel, path).closed
  proxy.silence(false)
  const stream = connectStream(channel, path)
  stream.send(Buffer.from('hello'))

  assert.equal(failed.code, 'UNAVAILABLE')
  assert.match(failed.message, /no connection to 127\.0\.0\.1:\d+ within 500 ms/)
  assert.equal(await first(stream), 'hello')
})

test('a server notices a silent client too', async () => {
  const seen = Promise.withResolvers<MessageStream>()
  const front = await aFront(seen.resolve, { keepaliveMs: 100, keepaliveTimeoutMs: 100 })
  const proxy = await aSilenceableProxy(front.address.port)
  connectStream(aChannel(proxy.port), path)
  const server = await seen.promise

  proxy.silence()

  assert.equal((await server.closed).code, 'CANCELLED')
})

test('a server with a certificate of another root is refused', async () => {
  const front = await aFront(echo)
  const other = await testCertificate('other')

  const channel = aChannel(front.address.port, { tls: { rootCaPem: other.rootCaPem } })
  const status = await connectStream(channel, path).closed

  assert.equal(status.code, 'UNAVAILABLE')
  assert.equal(channel.state, 'failing')
})

test('a replaced certificate is shown to new connections, open ones go on', async () => {
  const front = await aFront(echo)
  const stream = connectStream(aChannel(front.address.port), path)
  stream.send(Buffer.from('before'))
  const messages = stream.messages[Symbol.asyncIterator]()
  await messages.next()
  const other = await testCertificate('other')

  front.setCertificate(other.server)
  stream.send(Buffer.from('after'))

  assert.equal(Buffer.from((await messages.next()).value!).toString(), 'after')
  assert.equal(await fetchPlain(front.address.port, '/', other.rootCaPem), 'plain /')
  await assert.rejects(fetchPlain(front.address.port, '/'))
})

test('closing ends every call in good order, and then every connection', async () => {
  const front = await aFront(echo)
  const channel = aChannel(front.address.port)
  const stream = connectStream(channel, path)
  stream.send(Buffer.from('hello'))
  await first(stream)

  await front.close({ graceMs: 2000 })

  assert.deepEqual(await stream.closed, { code: 'UNAVAILABLE', message: 'shutting down: connect again' })
})

test('closing does not wait for a handshake that never ends', async () => {
  const front = await aFront(echo)
  const socket = connect(front.address.port, '127.0.0.1')
  socket.on('error', () => {})
  await new Promise(resolve => socket.once('connect', resolve))

  const before = performance.now()
  await front.close({ graceMs: 20 })

  assert.ok(performance.now() - before < 1000)
})

test('a port that is taken is named with the flag that chose it', async () => {
  const blocker = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => blocker.once('listening', resolve))
  const { port } = blocker.address() as AddressInfo

  const starting = TlsFront.start({
    address: { host: '127.0.0.1', port },
    flag: '--xds',
    certificate,
    grpc: new GrpcServer(),
    http: () => {},
  })

  await assert.rejects(starting, (error: unknown) => error instanceof PortTakenError && error.message.includes('--xds'))
  blocker.close()
})

test('whoever does not finish the handshake is cut off', async () => {
  const front = await TlsFront.start({
    address: { host: '127.0.0.1', port: 0 },
    flag: '--xds',
    certificate,
    grpc: new GrpcServer(),
    http: () => {},
    handshakeTimeoutMs: 50,
  })
  after(() => front.close({ graceMs: 0 }))

  const socket = connect(front.address.port, '127.0.0.1')
  socket.on('error', () => {})

  await new Promise(resolve => socket.once('close', resolve))
})

/** A TCP relay that can stop passing bytes without closing anything, as a network that drops packets. */
async function aSilenceableProxy(target: number) {
  const sockets = new Set<Socket>()
  const relay = createServer(inbound => {
    const outbound = connect(target, '127.0.0.1')
    for (const socket of [inbound, outbound]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
    inbound.on('data', bytes => silent || outbound.write(bytes))
    outbound.on('data', bytes => silent || inbound.write(bytes))
  })
  let silent = false
  await new Promise<void>(resolve => relay.listen(0, '127.0.0.1', () => resolve()))
  after(() => {
    relay.close()
    for (const socket of sockets) socket.destroy()
  })
  return {
    port: (relay.address() as AddressInfo).port,
    silence(on = true) {
      silent = on
    },
  }
}
