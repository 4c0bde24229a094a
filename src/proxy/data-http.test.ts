import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import {
  aCluster,
  aDataPlane,
  aHost,
  aListener,
  anAgent,
  anApp,
  aRoute,
  aTcpServer,
  call,
  endpointsOf,
  exchangeRaw,
  freePort,
  noEdits,
  pause,
  routesTo,
  someRoutes,
} from './testing.ts'

/** A plain listener in front of one application. */
async function aHop(port: number, routes = routesTo('app')) {
  const plane = aDataPlane()
  const entry = await freePort()
  plane.setCluster(aCluster('app'))
  plane.setEndpoints(endpointsOf('app', [aHost(port)]))
  await plane.setListener(aListener('outbound', entry, routes))
  return { plane, entry }
}

test('connections are kept alive on both sides', async () => {
  await using app = await anApp()
  using agent = anAgent(1)
  const { plane, entry } = await aHop(app.port)
  await using _ = plane

  for (let i = 0; i < 5; i++) assert.equal((await call(entry, { agent })).body, 'hello from app')

  assert.equal(app.connections(), 1)
  assert.equal(plane.counters().get('skerry_listener_connections_total{listener="outbound"}'), 1)
  assert.equal(plane.counters().get('skerry_cluster_requests_total{cluster="app",class="2xx"}'), 5)
})

test('listeners of different loopback addresses share a port: each leads to its own service', async t => {
  if (process.platform !== 'linux') return t.skip('other systems have 127.0.0.1 alone until somebody adds more')
  await using first = await anApp('first')
  await using second = await anApp('second')
  await using plane = aDataPlane()
  const port = await freePort()
  for (const [name, app, address] of [['a', first, '127.0.0.2'] as const, ['b', second, '127.0.0.3'] as const]) {
    plane.setCluster(aCluster(name))
    plane.setEndpoints(endpointsOf(name, [aHost(app.port)]))
    await plane.setListener(aListener(name, port, routesTo(name), { address }))
  }

  const ask = async (address: string) => (await fetch(`http://${address}:${port}/`, { headers: { connection: 'close' } })).text()
  assert.deepEqual(await Promise.all(['127.0.0.2', '127.0.0.3'].map(ask)), ['hello from first', 'hello from second'])
  await assert.rejects(ask('127.0.0.4'))
})

test('bodies of every size and framing arrive byte for byte, both ways at once', async () => {
  await using app = await anApp('echo', (request, response) => {
    if (request.url === '/length') response.setHeader('content-length', request.headers['x-size']!)
    request.pipe(response)
  })
  using agent = anAgent(4)
  const { plane, entry } = await aHop(app.port)
  await using _ = plane
  const digest = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex')

  await Promise.all(
    [0, 1, 1000, 65_535, 65_536, 200_000, 3_000_000].flatMap(size =>
      ['/length', '/chunked'].map(async path => {
        const body = randomBytes(size)
        const headers = {
          'x-size': String(size),
          ...(path === '/length' ? { 'content-length': String(size) } : { 'transfer-encoding': 'chunked' }),
        }
        const answer = await call(entry, { method: 'POST', path, headers, body, agent })
        assert.equal(digest(Buffer.from(answer.body, 'latin1')), digest(body), `${path} ${size}`)
      }),
    ),
  )

  assert.deepEqual(plane.faults, [])
})

test('pipelined requests are answered in their order', async () => {
  await using app = await anApp(
    'app',
    (request, response) => void setTimeout(() => response.end(`[${request.url}]`), request.url === '/1' ? 30 : 0),
  )
  const { plane, entry } = await aHop(app.port)
  await using _ = plane

  const { text } = await exchangeRaw(entry, [1, 2, 3].map(i => `GET /${i} HTTP/1.1\r\nhost: x\r\n\r\n`).join(''))

  assert.deepEqual(text.match(/\[\/\d\]/g), ['[/1]', '[/2]', '[/3]'])
})

test('a request that arrives byte by byte is understood', async () => {
  await using app = await anApp('app', (request, response) => void request.pipe(response))
  const { plane, entry } = await aHop(app.port)
  await using _ = plane
  const { connect } = await import('node:net')
  const socket = connect(entry, '127.0.0.1')
  socket.setNoDelay(true)
  let text = ''
  socket.on('data', part => {
    text += part
  })

  for (const byte of 'POST /x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n0\r\nx-trailer: 1\r\n\r\nGET /2 HTTP/1.1\r\nhost: x\r\n\r\n') {
    socket.write(byte)
    await new Promise(setImmediate)
  }
  await pause(50)
  socket.destroy()

  const echoed = text.slice(text.indexOf('\r\n\r\n') + 2, text.indexOf('\r\n0\r\n') + 2).replace(/\r\n[0-9a-f]+\r\n|\r\n/g, '')
  assert.equal(echoed, 'abc')
  assert.equal(text.split('HTTP/1.1 200 OK').length, 3)
  assert.deepEqual(app.requests, ['POST /x', 'GET /2'])
})

test('framing that two readers could read differently is refused, and the connection closed', async () => {
  await using app = await anApp()
  const { plane, entry } = await aHop(app.port)
  await using _ = plane
  const head = 'POST / HTTP/1.1\r\nhost: x\r\n'
  const cases: Record<string, [string, number]> = {
    'Content-Length with Transfer-Encoding': [`${head}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    'two Content-Lengths': [`${head}content-length: 3\r\ncontent-length: 3\r\n\r\nabc`, 400],
    'a list of Content-Lengths': [`${head}content-length: 3, 3\r\n\r\nabc`, 400],
    'a signed Content-Length': [`${head}content-length: +3\r\n\r\nabc`, 400],
    'an empty Content-Length': [`${head}content-length:\r\n\r\nabc`, 400],
    'a hexadecimal Content-Length': [`${head}content-length: 0x3\r\n\r\nabc`, 400],
    'bare LF after a field': ['GET / HTTP/1.1\r\nhost: x\nx-a: b\r\n\r\n', 400],
    'bare LF after the request line': ['GET / HTTP/1.1\nhost: x\r\n\r\n', 400],
    'bare CR in a value': ['GET / HTTP/1.1\r\nhost: x\r\nx-a: b\rc\r\n\r\n', 400],
    'CR CR LF': ['GET / HTTP/1.1\r\nhost: x\r\n\r\r\n', 400],
    'a folded field': ['GET / HTTP/1.1\r\nhost: x\r\nx-a: b\r\n c\r\n\r\n', 400],
    'a blank before the colon': ['GET / HTTP/1.1\r\nhost: x\r\nx-a : b\r\n\r\n', 400],
    'NUL in a value': ['GET / HTTP/1.1\r\nhost: x\r\nx-a: b\0c\r\n\r\n', 400],
    'a field without a name': ['GET / HTTP/1.1\r\nhost: x\r\n: b\r\n\r\n', 400],
    'no Host': ['GET / HTTP/1.1\r\n\r\n', 400],
    'two Hosts': ['GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n', 400],
    'a Host that is none': ['GET / HTTP/1.1\r\nhost: x/y\r\n\r\n', 400],
    'chunked twice': [`${head}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    'another coding': [`${head}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, 501],
    'chunked in HTTP/1.0': ['POST / HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    'a chunk size that is none': [`${head}transfer-encoding: chunked\r\n\r\nxyz\r\n`, 400],
    'a chunk ended by LF': [`${head}transfer-encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n`, 400],
    'a chunk longer than it says': [`${head}transfer-encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n`, 400],
    'Connection naming Content-Length': [`${head}connection: content-length\r\ncontent-length: 3\r\n\r\nabc`, 400],
    'no request line': ['hello\r\n\r\n', 400],
    'HTTP/0.9': ['GET /\r\n\r\n', 400],
    'HTTP/2': ['PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n', 505],
    'a TLS hello': ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
    'an escaped NUL': ['GET /a%00b HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    'a broken escape': ['GET /a%zz HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    'a backslash': ['GET /a\\b HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    'too many fields': [`GET / HTTP/1.1\r\nhost: x\r\n${'a: b\r\n'.repeat(100)}\r\n`, 431],
    'too large a head': [`GET / HTTP/1.1\r\nhost: x\r\na: ${'b'.repeat(33_000)}\r\n\r\n`, 431],
    'a request target that is no path': ['GET x HTTP/1.1\r\nhost: x\r\n\r\n', 400],
  }

  await Promise.all(
    Object.entries(cases).map(async ([name, [bytes, status]]) => {
      const { text, isClosed } = await exchangeRaw(entry, Buffer.from(bytes, 'latin1'), 1500)
      assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `), name)
      assert.match(text, /connection: close/, name)
      assert.equal(isClosed, true, `${name}: closed`)
    }),
  )
  assert.deepEqual(plane.faults, [])
  assert.deepEqual(
    app.requests.filter(line => line !== 'POST /'),
    [],
  )
})

test('what is between client and proxy does not travel on, and what the proxy adds cannot be named away', async () => {
  await using upstream = await aTcpServer(socket => {
    socket.on(
      'data',
      bytes =>
        void socket.end(
          `HTTP/1.1 200 OK\r\nkeep-alive: timeout=5\r\nx-inner: 1\r\nconnection: x-inner, close\r\ncontent-length: ${bytes.length}\r\n\r\n${bytes}`,
        ),
    )
  })
  const route = aRoute('app', {
    requestHeaders: { set: [{ name: 'x-set', value: 'ours' }], add: [{ name: 'x-add', value: 'two' }], remove: ['x-secret'] },
    responseHeaders: { ...noEdits, set: [{ name: 'x-answer', value: 'set' }] },
  })
  const { plane, entry } = await aHop(upstream.port, someRoutes([route]))
  await using _ = plane

  const { text } = await exchangeRaw(
    entry,
    'GET /a/./b/../c%2fd%41 HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, X-Hop, X-Forwarded-For\r\nX-Hop: 1\r\nX_Forwarded_For: 6.6.6.6\r\nTE: trailers\r\nProxy-Authorization: b\r\n' +
      'X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Client-Cert: URI=spiffe://evil\r\nX-Set: theirs\r\nX-Add: one\r\nX-Secret: s\r\nX-Skerry-Refused: no\r\nAccept: */*\r\n\r\n',
  )

  const [head, body] = [text.slice(0, text.indexOf('\r\n\r\n')), text.slice(text.indexOf('\r\n\r\n') + 4)]
  assert.equal(
    body.trimEnd(),
    'GET /a/c%2FdA HTTP/1.1\r\nHost: x\r\nX-Add: one\r\nAccept: */*\r\nx-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: http\r\nx-set: ours\r\nx-add: two',
  )
  assert.doesNotMatch(head, /keep-alive|x-inner|connection/i)
  assert.match(head, /x-answer: set/)
})

test('X-Forwarded-For grows by the client it came from', async () => {
  await using app = await anApp('app', (request, response) => void response.end(JSON.stringify(request.headers)))
  const { plane, entry } = await aHop(app.port)
  await using _ = plane

  const { body } = await call(entry, { headers: { 'x-forwarded-for': ['1.2.3.4', '5.6.7.8'], 'x-forwarded-proto': 'https' } })

  const headers = JSON.parse(body)
  assert.equal(headers['x-forwarded-for'], '1.2.3.4, 5.6.7.8, 127.0.0.1')
  assert.equal(headers['x-forwarded-proto'], 'https')
})

test('answers without a body end where they should', async () => {
  await using app = await anApp('app', (request, response) => {
    if (request.url === '/204') response.writeHead(204).end()
    else if (request.url === '/304') response.writeHead(304, { 'content-length': '5' }).end()
    else response.writeHead(200, { 'content-length': '5' }).end(request.method === 'HEAD' ? undefined : 'hello')
  })
  using agent = anAgent(1)
  const { plane, entry } = await aHop(app.port)
  await using _ = plane

  assert.equal((await call(entry, { agent, method: 'HEAD' })).headers['content-length'], '5')
  assert.equal((await call(entry, { agent, path: '/204' })).status, 204)
  assert.equal((await call(entry, { agent, path: '/304' })).status, 304)
  assert.equal((await call(entry, { agent })).body, 'hello')
  assert.equal(app.connections(), 1)
})

test('interim answers are passed on before the final one', async () => {
  await using app = await anApp('app', (request, response) => void request.pipe(response))
  app.server.on('checkContinue', (request, response) => {
    response.writeContinue()
    request.pipe(response)
  })
  const { plane, entry } = await aHop(app.port)
  await using _ = plane

  const { text } = await exchangeRaw(entry, 'POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\nok')

  assert.match(text, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/)
  assert.match(text, /ok/)
})

test('a body that ends with its connection is sent on in chunks, and cut off when it is cut off', async () => {
  await using upstream = await aTcpServer(socket => {
    socket.once('data', bytes => {
      socket.write('HTTP/1.1 200 OK\r\n\r\nhello ')
      setTimeout(() => (String(bytes).includes('/broken') ? socket.resetAndDestroy() : socket.end('world')), 20)
    })
  })
  using agent = anAgent(1)
  const { plane, entry } = await aHop(upstream.port)
  await using _ = plane

  assert.equal((await call(entry, { agent })).body, 'hello world')
  await assert.rejects(call(entry, { agent, path: '/broken' }))
  const old = await exchangeRaw(entry, 'GET / HTTP/1.0\r\nhost: x\r\n\r\n')
  assert.match(old.text, /\r\n\r\nhello world$/)
})

test('an upstream that does not speak HTTP gives 502, not a broken proxy', async () => {
  const answers = [
    'SSH-2.0-OpenSSH\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
    'HTTP/1.1 200\nx: y\n\n',
    'HTTP/1.1 101 Switching\r\n\r\n',
    `HTTP/1.1 200 OK\r\na: ${'b'.repeat(40_000)}`,
    '',
  ]
  for (const answer of answers) {
    await using upstream = await aTcpServer(socket => void socket.once('data', () => socket.end(answer)))
    const { plane, entry } = await aHop(upstream.port)
    await using _ = plane
    assert.equal((await call(entry)).status, 502, JSON.stringify(answer.slice(0, 30)))
    assert.deepEqual(plane.faults, [])
  }
})

test('bytes that nobody asked for are never the answer to the next request', async () => {
  await using upstream = await aTcpServer(socket => {
    socket.on('data', () => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil')
    })
  })
  using agent = anAgent(1)
  const { plane, entry } = await aHop(upstream.port)
  await using _ = plane

  for (let i = 0; i < 3; i++) assert.equal((await call(entry, { agent })).body, 'ok')
})

test('an answer that comes before the request is complete ends the connection in order', async () => {
  await using app = await anApp('app', (_request, response) => void response.writeHead(413, { connection: 'close' }).end('too much'))
  const { plane, entry } = await aHop(app.port)
  await using _ = plane

  const { text, isClosed } = await exchangeRaw(entry, `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n${'x'.repeat(50_000)}`)

  assert.match(text, /^HTTP\/1\.1 413/)
  assert.match(text, /too much/)
  assert.equal(isClosed, true)
})

test('a client that goes away takes its upstream request with it', async () => {
  let closed = 0
  await using app = await anApp('app', (request, response) => {
    response.on('close', () => closed++)
    request.resume()
  })
  const { plane, entry } = await aHop(app.port)
  await using _ = plane
  const { connect } = await import('node:net')
  const socket = connect(entry, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await pause(50)

  socket.resetAndDestroy()
  await pause(50)

  assert.equal(closed, 1)
  assert.equal(plane.lines[0]?.status, 0)
})

test('a client that only closes its sending side still gets its answer', async () => {
  await using app = await anApp('app', (_request, response) => void setTimeout(() => response.end('late'), 50))
  const { plane, entry } = await aHop(app.port)
  await using _ = plane
  const { connect } = await import('node:net')
  const socket = connect({ port: entry, host: '127.0.0.1', allowHalfOpen: true })
  socket.end('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  let text = ''
  for await (const part of socket) text += part

  assert.match(text, /late/)
})

test('a slow reader does not make the proxy hold the whole answer', async () => {
  let written = 0
  await using app = await anApp('app', (_request, response) => {
    const chunk = Buffer.alloc(64 * 1024)
    const push = () => {
      while (written < 200 * 1024 * 1024) {
        written += chunk.length
        if (!response.write(chunk)) {
          response.once('drain', push)
          return
        }
      }
      response.end()
    }
    push()
  })
  const { plane, entry } = await aHop(app.port)
  await using _ = plane
  const { connect } = await import('node:net')
  const socket = connect(entry, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  socket.pause()
  await pause(200)

  assert.ok(written < 60 * 1024 * 1024, `${written} bytes`)
  socket.destroy()
})

test('CONNECT and upgrades are refused with the reason; an offer of HTTP/2 is passed over', async () => {
  await using app = await anApp()
  const { plane, entry } = await aHop(app.port)
  await using _ = plane

  assert.match((await exchangeRaw(entry, 'CONNECT x:443 HTTP/1.1\r\nhost: x\r\n\r\n')).text, /^HTTP\/1\.1 (400|405)/)
  assert.match(
    (await exchangeRaw(entry, 'GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')).text,
    /^HTTP\/1\.1 501/,
  )
  assert.match(
    (
      await exchangeRaw(
        entry,
        'GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AA\r\n\r\n',
      )
    ).text,
    /hello from app/,
  )
})

test('a listener whose port is taken says so, by name', async () => {
  await using app = await anApp()
  await using plane = aDataPlane()

  await assert.rejects(plane.setListener(aListener('web', app.port, routesTo('app'))), {
    code: 'SKERRY_LISTENER_PORT_TAKEN',
    message: new RegExp(`listener web: 127\\.0\\.0\\.1:${app.port} is in use`),
  })
})

test('routes are swapped under a live connection', async () => {
  await using app = await anApp()
  using agent = anAgent(1)
  const { plane, entry } = await aHop(app.port)
  await using _ = plane
  assert.equal((await call(entry, { agent })).status, 200)

  plane.setRoutes(someRoutes([aRoute('app', { action: { kind: 'respond', status: 418, body: Buffer.from('tea') } })]))

  assert.deepEqual(
    [(await call(entry, { agent })).status, plane.counters().get('skerry_listener_connections_total{listener="outbound"}')],
    [418, 1],
  )
})

test('a removed listener lets requests finish and then is gone', async () => {
  await using app = await anApp('app', (_request, response) => void setTimeout(() => response.end('done'), 100))
  using agent = anAgent(1)
  const { plane, entry } = await aHop(app.port)
  await using _ = plane
  const answer = call(entry, { agent })
  await pause(30)

  await plane.removeListener('outbound', 1000)

  assert.equal((await answer).body, 'done')
  assert.equal((await answer).headers.connection, 'close')
  await assert.rejects(call(entry), { code: 'ECONNREFUSED' })
})

test('a listener that moves to another port opens the new one first', async () => {
  await using app = await anApp()
  const { plane, entry } = await aHop(app.port)
  await using _ = plane
  const other = await freePort()

  await plane.setListener(aListener('outbound', other, routesTo('app')))

  assert.equal((await call(other)).status, 200)
  await assert.rejects(call(entry), { code: 'ECONNREFUSED' })
})
