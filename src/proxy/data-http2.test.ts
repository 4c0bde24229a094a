import assert from 'node:assert/strict'
import { once } from 'node:events'
import { constants, type IncomingHttpHeaders } from 'node:http2'
import { test } from 'node:test'
import type { Route } from './compile/table.ts'
import {
  aCluster,
  aHost,
  aListener,
  anAgent,
  anApp,
  anIdentity,
  anInbound,
  aRoute,
  aTrustDomain,
  aVirtualHost,
  call,
  endpointsOf,
  freePort,
  pause,
  retryEverything,
  someRoutes,
  trustIn,
} from './testing.ts'
import { aChain, anHttp2App, aSession, ask2, authority, echo, until, web } from './testing-http2.ts'

test('a client of HTTP/1.1 reaches an application of HTTP/2, and the other way round', async () => {
  await using two = await anHttp2App((stream, headers) => {
    const parts: Buffer[] = []
    stream.on('data', (part: Buffer) => parts.push(part))
    stream.on('end', () => {
      stream.respond({ ':status': 201, 'x-had': `${headers[':method']} ${headers[':path']} ${headers[':authority']}` })
      stream.end(Buffer.concat(parts))
    })
  })
  await using toTwo = await aChain(two.port)
  using agent = anAgent()
  const big = Buffer.alloc(300_000, 'b').toString()
  for (const headers of [{}, { 'transfer-encoding': 'chunked' }] as Record<string, string>[]) {
    const answer = await call(toTwo.outbound, {
      method: 'POST',
      path: '/x?y=1',
      headers: { host: 'echo.mesh', ...headers },
      body: big,
      agent,
    })
    assert.equal(answer.status, 201)
    assert.equal(answer.headers['x-had'], 'POST /x?y=1 echo.mesh')
    assert.ok(answer.body === big)
  }

  await using one = await anApp('one', (request, response) => {
    if (request.url === '/empty') response.writeHead(204).end()
    else request.pipe(response.writeHead(200, { 'x-had': `${request.method} ${request.headers['transfer-encoding'] ?? ''}` }))
  })
  await using toOne = await aChain(one.port, { app: { http2: false } })
  using session = await aSession(toOne.outbound)
  const echoed = await ask2(session, '/', big)
  assert.deepEqual([echoed.headers[':status'], echoed.headers['x-had'], echoed.body === big], [200, 'POST chunked', true])
  assert.equal((await ask2(session, '/empty')).headers[':status'], 204)
  assert.equal(echoed.headers['transfer-encoding'], undefined)
})

test('what an upstream resets is reset, with its code, and what it refuses is tried again elsewhere only if it may be', async () => {
  let refusals = 0
  await using app = await anHttp2App((stream, headers) => {
    if (headers[':path'] === '/half') {
      // Without it Node would end the stream in order first.
      stream.respond({ ':status': 200 }, { waitForTrailers: true })
      stream.write('half')
      setTimeout(() => stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM), 50)
    } else if (refusals++ < 1) stream.close(constants.NGHTTP2_REFUSED_STREAM)
    else stream.respond({ ':status': 200 }, { endStream: true })
  })
  await using chain = await aChain(app.port)
  using session = await aSession(chain.outbound)

  const half = await ask2(session, '/half')
  assert.deepEqual([half.headers[':status'], half.code], [200, constants.NGHTTP2_ENHANCE_YOUR_CALM])
  assert.equal((await ask2(session, '/', 'not idempotent')).headers[':status'], 503)

  refusals = 0
  await using retrying = await aChain(app.port, { route: { retry: { ...retryEverything, reset: false, gatewayError: false } } })
  using other = await aSession(retrying.outbound)
  assert.equal((await ask2(other, '/', 'not idempotent')).headers[':status'], 200)
})

test('trailers travel on in both directions', async () => {
  await using app = await anHttp2App(stream => {
    let sum: unknown
    stream.on('trailers', trailers => {
      sum = trailers['x-sum']
    })
    stream.resume()
    stream.on('end', () => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-had': String(sum) }))
      stream.end('body')
    })
  })
  await using chain = await aChain(app.port)
  using session = await aSession(chain.outbound)
  const stream = session.request({ ':method': 'POST', ':path': '/', ':authority': 'echo' }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '42' }))
  stream.resume()
  stream.end('body')

  const [trailers] = (await once(stream, 'trailers')) as [IncomingHttpHeaders]
  assert.equal(trailers['x-had'], '42')
})

test('half a request is not taken for a whole one when its caller goes away', async () => {
  const ends: string[] = []
  await using app = await anHttp2App(stream => {
    stream.on('data', () => {})
    stream.on('end', () => ends.push(stream.aborted ? 'aborted' : 'whole'))
    stream.on('aborted', () => ends.push('aborted'))
  })
  await using chain = await aChain(app.port)
  using session = await aSession(chain.outbound)
  const stream = session.request({ ':method': 'POST', ':path': '/', ':authority': 'echo' }, { waitForTrailers: true })
  stream.on('error', () => {})
  stream.write('half')
  await until('it has begun', () => app.sessions() === 1)
  await pause(50)

  stream.close(constants.NGHTTP2_CANCEL)

  await until('the application hears of it', () => ends.length > 0)
  assert.ok(!ends.includes('whole'), ends.join())
})

test('an upstream that says goodbye gets no more requests, and none is lost', async () => {
  let served = 0
  await using app = await anHttp2App(stream => {
    stream.respond({ ':status': 200 })
    stream.end('ok')
    if (++served % 10 === 0) stream.session?.close()
  })
  await using chain = await aChain(app.port)
  using session = await aSession(chain.outbound)

  for (let i = 0; i < 50; i++) assert.equal((await ask2(session, '/', 'body')).headers[':status'], 200, `request ${i}`)

  assert.ok(app.sessions() >= 5)
})

test('a limit on connections is one on HTTP/2 connections: requests share them', async () => {
  await using app = await anHttp2App(stream => {
    stream.respond({ ':status': 200 })
    setTimeout(() => stream.end('ok'), 20)
  })
  const limits = { maxConnections: 1, maxPending: 1000, maxRequests: 1000, maxRetries: 3 }
  await using chain = await aChain(app.port, { app: { limits }, between: { limits } })
  using session = await aSession(chain.outbound)

  const answers = await Promise.all(Array.from({ length: 60 }, () => ask2(session, '/')))

  assert.ok(answers.every(({ headers }) => Number(headers[':status']) === 200))
  assert.equal(app.sessions(), 1)
})

test('a listener that leaves serves out what is under way', async () => {
  await using app = await anHttp2App(stream => {
    stream.respond({ ':status': 200 })
    setTimeout(() => stream.end('ok'), 300)
  })
  await using chain = await aChain(app.port)
  using session = await aSession(chain.outbound)
  const underWay = ask2(session, '/')
  await pause(100)

  const removed = chain.client.removeListener('outbound', 10_000)

  assert.equal((await underWay).body, 'ok')
  await removed
})

test('requests are matched, rewritten and edited alike, whatever version of HTTP they come in', async () => {
  const seen: IncomingHttpHeaders[] = []
  await using app = await anHttp2App((stream, headers) => {
    seen.push(headers)
    stream.respond({ ':status': 200, 'x-secret': 's' }, { endStream: true })
  })
  const route: Partial<Route> = {
    path: { kind: 'prefix', value: '/old' },
    requestHeaders: { set: [{ name: 'x-set', value: 'by us' }], add: [], remove: ['x-gone'] },
    responseHeaders: { set: [], add: [{ name: 'x-added', value: '1' }], remove: ['x-secret'] },
    action: {
      kind: 'forward',
      clusters: [{ cluster: 'echo', weight: 1 }],
      timeoutMs: null,
      retry: null,
      rewrite: { prefix: '/new', host: 'other.mesh' },
    },
  }
  await using chain = await aChain(app.port, { route })
  using session = await aSession(chain.outbound)
  const stream = session.request({ ':path': '/old/a?b=c', ':authority': 'echo.mesh', 'x-gone': '1', cookie: ['a=1', 'b=2'] as never })
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]

  assert.deepEqual([headers[':status'], headers['x-added'], headers['x-secret']], [200, '1', undefined])
  const [had] = seen
  assert.deepEqual(
    [had![':path'], had![':authority'], had!['x-set'], had!['x-gone'], had!.cookie],
    ['/new/a?b=c', 'other.mesh', 'by us', undefined, 'a=1; b=2'],
  )
  assert.equal((await ask2(session, '/elsewhere')).headers[':status'], 404)
})

test('a host that is not in the routes yet is asked for, and its request waits', async () => {
  await using app = await anHttp2App(stream => {
    stream.respond({ ':status': 200 })
    stream.end('found')
  })
  await using chain = await aChain(app.port)
  const port = await freePort()
  const routes = someRoutes([], { name: 'on-demand', any: null, onDemand: true })
  await chain.client.setListener(aListener('http-proxy', port, routes))
  chain.client.onHostWanted = (table, host) => {
    if (host === 'echo.mesh') chain.client.setRoutes({ ...routes, exact: new Map([[host, aVirtualHost([aRoute('echo')])]]) })
    else chain.client.hostMissing(table, host)
  }
  using session = await aSession(port)

  const [found, again, missing] = [
    await ask2(session, '/', 'body'),
    await ask2(session, '/'),
    await ask2(session, '/', undefined, 'nobody.mesh'),
  ]

  assert.deepEqual([found.body, again.body], ['found', 'found'])
  assert.equal(missing.headers[':status'], 503)
  assert.match(missing.body, /no service is known by the name 'nobody.mesh'/)
})

test('certificates change under load without a request lost, and whose trust ends is served no more', async () => {
  await using app = await anHttp2App(stream => {
    stream.respond({ ':status': 200 })
    setTimeout(() => stream.end('ok'), 5)
  })
  await using chain = await aChain(app.port)
  using session = await aSession(chain.outbound)
  let isOver = false
  const statuses: unknown[] = []
  const load = Promise.all(
    Array.from({ length: 10 }, async () => {
      while (!isOver) statuses.push((await ask2(session, '/', 'body')).headers[':status'])
    }),
  )

  for (let i = 0; i < 10; i++) {
    chain.client.setIdentity(await anIdentity(authority, web.spiffeId))
    chain.server.setIdentity(await anIdentity(authority, echo.spiffeId))
    const before = statuses.length
    await until('requests go on', () => statuses.length >= before + 10)
  }
  isOver = true
  await load
  assert.ok(statuses.every(status => Number(status) === 200))

  chain.server.setTrust(trustIn({ 'mesh.local': await aTrustDomain('mesh.local') }))
  assert.notEqual(Number((await ask2(session, '/')).headers[':status']), 200)
})

test('a zone gateway ends HTTP/2 in the name of a workload that has no proxy', async () => {
  await using app = await anHttp2App((stream, headers) => {
    stream.respond({ ':status': 200 })
    stream.end(String(headers['x-forwarded-client-cert']))
  })
  await using chain = await aChain(app.port)
  const port = await freePort()
  const { port: _, ...inbound } = anInbound('plain', 0, 'app')
  chain.server.setWorkloadIdentity(echo.spiffeId, echo)
  await chain.server.setListener({
    ...inbound,
    port: 0,
    address: '',
    isInternal: true,
    accept: { kind: 'mtls', alpn: ['h2', 'http/1.1'], spiffeId: echo.spiffeId },
  })
  chain.server.setCluster(aCluster('ingress'))
  chain.server.setEndpoints(endpointsOf('ingress', [aHost(0, { address: 'plain', listener: 'plain' })]))
  await chain.server.setListener({
    name: 'zone-ingress',
    address: '127.0.0.1',
    port,
    accept: { kind: 'sni' },
    handler: { kind: 'sni', chains: new Map([['echo', [{ cluster: 'ingress', weight: 1 }]]]) },
  })
  chain.client.setEndpoints(endpointsOf('echo', [aHost(port)]))
  using session = await aSession(chain.outbound)

  for (let i = 0; i < 3; i++) assert.equal((await ask2(session, '/', 'body')).body, `URI=${web.spiffeId}`)
})
