import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import type { CertificateAuthority } from '../identity/zone-ca.ts'
import type { Permissions } from './compile/table.ts'
import {
  aCluster,
  aDataPlane,
  aHost,
  aListener,
  anAgent,
  anApp,
  anIdentity,
  anInbound,
  aTcpServer,
  aTrustDomain,
  call,
  ejectAfterFive,
  endpointsOf,
  freePort,
  pause,
  retryEverything,
  retryUnhandled,
  routesTo,
  type TestDataPlane,
  tlsTo,
  trustIn,
} from './testing.ts'

const aws = await aTrustDomain('default.aws-1.mesh.local')
const azure = await aTrustDomain('default.azure-1.mesh.local')
const both = trustIn({ 'default.aws-1.mesh.local': aws, 'default.azure-1.mesh.local': azure })
const web = 'spiffe://default.azure-1.mesh.local/workload/web'
const payments = 'spiffe://default.aws-1.mesh.local/workload/payments'

/** A sidecar in front of an application. */
async function aServerSide(
  appPort: number,
  options: { id?: string; authority?: CertificateAuthority; permissions?: Permissions; port?: number } = {},
) {
  const plane = aDataPlane()
  const port = options.port ?? (await freePort())
  plane.setIdentity(await anIdentity(options.authority ?? aws, options.id ?? payments))
  plane.setTrust(both)
  plane.setCluster(aCluster('local'))
  plane.setEndpoints(endpointsOf('local', [aHost(appPort, { name: 'app' })]))
  await plane.setListener(anInbound('inbound', port, 'local', options.permissions))
  return { plane, port }
}

/** A sidecar beside a caller, with an outbound to these hosts. */
async function aClientSide(
  priorities: readonly (readonly number[])[],
  options: { sni?: string; allowed?: string[]; retry?: Parameters<typeof routesTo>[1] } = {},
) {
  const plane = aDataPlane()
  const entry = await freePort()
  plane.setIdentity(await anIdentity(azure, web))
  plane.setTrust(both)
  plane.setCluster(
    aCluster('payments', {
      tls: tlsTo(options.sni ?? 'sni.msvc.default.aws-1.payments.main', ...(options.allowed ?? [payments])),
      outlier: ejectAfterFive,
    }),
  )
  plane.setEndpoints(endpointsOf('payments', ...priorities.map(ports => ports.map(port => aHost(port)))))
  await plane.setListener(aListener('outbound', entry, routesTo('payments', options.retry ?? null)))
  return { plane, entry }
}

/** `once` would reject on an error before it. */
const closed = (socket: Socket) => new Promise<void>(resolve => socket.once('close', () => resolve()))

const errorsOf = (plane: TestDataPlane) => plane.lines.flatMap(line => line.tries.map(({ outcome }) => outcome))

test('a request crosses two proxies over mTLS, and the application learns who called', async () => {
  await using app = await anApp('app', (request, response) => void response.end(JSON.stringify(request.headers)))
  const server = await aServerSide(app.port)
  await using _server = server.plane
  const client = await aClientSide([[server.port]])
  await using _client = client.plane
  using agent = anAgent(1)

  const answer = await call(client.entry, { agent, headers: { 'x-forwarded-client-cert': 'URI=spiffe://evil' } })
  await call(client.entry, { agent })

  const headers = JSON.parse(answer.body)
  assert.equal(headers['x-forwarded-client-cert'], `URI=${web}`)
  assert.equal(headers['x-forwarded-for'], '127.0.0.1, 127.0.0.1')
  assert.equal(server.plane.lines[0]?.peer, web)
  assert.equal(server.plane.counters().get('skerry_listener_connections_total{listener="inbound"}'), 1)
})

test('large bodies cross two proxies', async () => {
  await using app = await anApp('app', (request, response) => void request.pipe(response))
  const server = await aServerSide(app.port)
  await using _server = server.plane
  const client = await aClientSide([[server.port]])
  await using _client = client.plane
  const body = Buffer.alloc(3_000_000, 'abcdefghij')

  const answers = await Promise.all(Array.from({ length: 4 }, () => call(client.entry, { method: 'POST', body })))

  for (const { status, body: echoed } of answers)
    assert.ok(echoed === body.toString('latin1'), `${status}, ${echoed.length} bytes: ${echoed.slice(0, 200)}`)
})

test('a server with another identity than the service that was called gets no request', async () => {
  await using app = await anApp()
  const server = await aServerSide(app.port, { id: 'spiffe://default.aws-1.mesh.local/workload/orders' })
  await using _server = server.plane
  const client = await aClientSide([[server.port]])
  await using _client = client.plane

  const answer = await call(client.entry)

  assert.equal(answer.status, 503)
  assert.match(answer.body, /the peer is spiffe:\/\/default\.aws-1\.mesh\.local\/workload\/orders, not the service that was called/)
  assert.deepEqual(app.requests, [])
})

test('an identity that another trust domain has signed proves nothing', async () => {
  await using app = await anApp()
  // Azure's CA cannot speak for aws-1, although both CAs are trusted: made without our issuer, which would refuse.
  const forged = await aTrustDomain('default.aws-1.mesh.local')
  const server = await aServerSide(app.port, { authority: forged })
  await using _server = server.plane
  server.plane.setTrust(new Map([...both]))
  const client = await aClientSide([[server.port]])
  await using _client = client.plane
  // The forger's root is trusted, but for azure-1.
  client.plane.setTrust(new Map([...both, ['default.azure-1.mesh.local', [azure.certificatePem, forged.certificatePem]]]))

  const answer = await call(client.entry)

  assert.equal(answer.status, 503)
  assert.match(answer.body, /not signed by a CA of its trust domain/)
})

test('a client without a certificate, or with one of an unknown domain, or of a forged one, is not let in', async () => {
  await using app = await anApp()
  const server = await aServerSide(app.port)
  await using _server = server.plane
  const unknown = await aTrustDomain('other.mesh.local')
  const forged = await aTrustDomain('default.azure-1.mesh.local')
  server.plane.setTrust(new Map([...both, ['default.aws-1.mesh.local', [aws.certificatePem, forged.certificatePem]]]))
  const attempts = [undefined, await anIdentity(unknown, 'spiffe://other.mesh.local/workload/web'), await anIdentity(forged, web)]

  for (const identity of attempts) {
    const socket = connectTls({
      port: server.port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      ...(identity ? { cert: identity.chainPem, key: identity.keyPem } : {}),
    })
    let text = ''
    socket.on('data', part => {
      text += part
    })
    socket.on('error', () => {})
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    await closed(socket)
    assert.equal(text, '')
  }
  assert.deepEqual(app.requests, [])
  assert.equal(server.plane.counters().get('skerry_listener_connections_refused_total{listener="inbound"}'), 3)
})

test('a peer without permission gets 403, and permissions change under its connection', async () => {
  await using app = await anApp()
  const permissions: Permissions = { deny: [{ type: 'exact', value: web }], allow: [{ type: 'any' }] }
  const server = await aServerSide(app.port, { permissions })
  await using _server = server.plane
  const client = await aClientSide([[server.port]])
  await using _client = client.plane

  const denied = await call(client.entry)
  await server.plane.setListener(
    anInbound('inbound', server.port, 'local', { deny: [], allow: [{ type: 'prefix', value: 'spiffe://default.azure-1.mesh.local/' }] }),
  )
  const allowed = await call(client.entry)
  await server.plane.setListener(anInbound('inbound', server.port, 'local', { deny: [], allow: [] }))
  const nobody = await call(client.entry)

  assert.deepEqual([denied.status, denied.body], [403, 'RBAC: access denied'])
  assert.equal(allowed.status, 200)
  assert.equal(nobody.status, 403)
  assert.equal(server.plane.counters().get('skerry_listener_connections_total{listener="inbound"}'), 1)
  assert.equal(app.requests.length, 1)
})

test('a renewed certificate takes over without a failed request', async () => {
  await using app = await anApp()
  const server = await aServerSide(app.port)
  await using _server = server.plane
  const client = await aClientSide([[server.port]])
  await using _client = client.plane
  using agent = anAgent(2)
  assert.equal((await call(client.entry, { agent })).status, 200)

  server.plane.setIdentity(await anIdentity(aws, payments))
  client.plane.setIdentity(await anIdentity(azure, web))

  for (let i = 0; i < 5; i++) assert.equal((await call(client.entry, { agent })).status, 200)
  assert.equal(server.plane.counters().get('skerry_listener_connections_total{listener="inbound"}'), 2)
})

test('a peer whose trust is withdrawn loses its connection with its next request', async () => {
  await using app = await anApp()
  const server = await aServerSide(app.port)
  await using _server = server.plane
  const client = await aClientSide([[server.port]])
  await using _client = client.plane
  assert.equal((await call(client.entry)).status, 200)

  server.plane.setTrust(trustIn({ 'default.aws-1.mesh.local': aws }))

  assert.notEqual((await call(client.entry)).status, 200)
  assert.equal(app.requests.length, 1)
})

test('without a certificate of its own a proxy calls nobody and says why', async () => {
  await using plane = aDataPlane()
  const entry = await freePort()
  plane.setCluster(aCluster('payments', { tls: tlsTo('sni', payments) }))
  plane.setEndpoints(endpointsOf('payments', [aHost(await freePort())]))
  await plane.setListener(aListener('outbound', entry, routesTo('payments')))

  const answer = await call(entry)

  assert.equal(answer.status, 503)
  assert.match(answer.body, /holds no certificate yet/)
})

test('a request that the application beside the proxy does not take is refused as never handled, and the agent is told', async () => {
  const server = await aServerSide(await freePort())
  await using _server = server.plane
  await using app = await anApp('other')
  const other = await aServerSide(app.port)
  await using _other = other.plane
  const client = await aClientSide([[server.port], [other.port]], { retry: retryUnhandled })
  await using _client = client.plane

  const answer = await call(client.entry, { method: 'POST', body: 'once' })

  assert.equal(answer.body, 'hello from other')
  assert.deepEqual(errorsOf(client.plane), ['refused', '200'])
  assert.deepEqual(server.plane.localFailures, ['local'])
})

test('the word that a request was refused stays between proxies', async () => {
  const server = await aServerSide(await freePort())
  await using _server = server.plane
  const client = await aClientSide([[server.port]])
  await using _client = client.plane

  const answer = await call(client.entry)

  assert.equal(answer.status, 503)
  assert.equal(answer.headers['x-skerry-refused'], undefined)
})

test('an application cannot pass its own answer off as a refusal', async () => {
  await using liar = await anApp(
    'liar',
    (_request, response) => void response.writeHead(503, { 'x-skerry-refused': 'connect' }).end('handled'),
  )
  await using other = await anApp('other')
  const [first, second] = [await aServerSide(liar.port), await aServerSide(other.port)]
  await using _first = first.plane
  await using _second = second.plane
  const client = await aClientSide([[first.port], [second.port]], { retry: retryUnhandled })
  await using _client = client.plane

  assert.equal((await call(client.entry, { method: 'POST', body: 'once' })).body, 'handled')
  assert.deepEqual(other.requests, [])
})

test('an instance that drains loses no request', async () => {
  await using app = await anApp('first', (_request, response) => void setTimeout(() => response.end('first'), 5))
  await using backup = await anApp('second')
  const [first, second] = [await aServerSide(app.port), await aServerSide(backup.port)]
  await using _first = first.plane
  await using _second = second.plane
  const client = await aClientSide([[first.port], [second.port]], { retry: retryUnhandled })
  await using _client = client.plane
  using agent = anAgent(8)
  const answers: string[] = []
  let isOver = false
  const workers = Array.from({ length: 8 }, async () => {
    while (!isOver) {
      await call(client.entry, { agent, method: 'POST', body: 'x' }).then(
        ({ status, body }) => answers.push(`${status} ${body}`),
        error => answers.push(String(error.code)),
      )
    }
  })
  await pause(150)

  await first.plane.drain(2000)
  await first.plane.close()
  await pause(150)
  isOver = true
  await Promise.all(workers)

  assert.deepEqual(
    answers.filter(answer => !answer.startsWith('200')),
    [],
  )
  assert.equal(answers[0], '200 first')
  assert.equal(answers.at(-1), '200 hello from second')
})

test('a zone gateway passes TLS through by its SNI, and retries what it cannot connect', async () => {
  await using app = await anApp()
  const server = await aServerSide(app.port)
  await using _server = server.plane
  await using gateway = aDataPlane()
  const port = await freePort()
  gateway.setCluster(aCluster('ingress'))
  gateway.setEndpoints(endpointsOf('ingress', [aHost(await freePort()), aHost(server.port)]))
  await gateway.setListener({
    name: 'zone-ingress',
    address: '127.0.0.1',
    port,
    accept: { kind: 'sni' },
    handler: { kind: 'sni', chains: new Map([['sni.msvc.default.aws-1.payments.main', [{ cluster: 'ingress', weight: 1 }]]]) },
  })
  const client = await aClientSide([[port]])
  await using _client = client.plane
  const lost = await aClientSide([[port]], { sni: 'sni.msvc.default.aws-1.unknown.main' })
  await using _lost = lost.plane

  assert.equal((await call(client.entry)).body, 'hello from app')
  assert.equal((await call(client.entry)).body, 'hello from app')
  assert.equal((await call(lost.entry)).status, 503)
  const stray = connectTcp(port, '127.0.0.1').on('error', () => {})
  stray.write('GET / HTTP/1.1\r\n\r\n')
  await closed(stray)
  assert.equal(gateway.counters().get('skerry_listener_connections_refused_total{listener="zone-ingress"}'), 2)
})

test('TCP goes through two proxies with each direction closed on its own', async () => {
  await using echo = await aTcpServer(socket => {
    const parts: Buffer[] = []
    socket.on('data', part => void parts.push(part))
    socket.on('end', () => socket.end(Buffer.concat([Buffer.from('you said '), ...parts])))
  })
  const server = aDataPlane()
  await using _server = server
  const client = aDataPlane()
  await using _client = client
  const [inbound, entry] = [await freePort(), await freePort()]
  server.setIdentity(await anIdentity(aws, payments))
  client.setIdentity(await anIdentity(azure, web))
  for (const plane of [server, client]) plane.setTrust(both)
  server.setCluster(aCluster('local'))
  server.setEndpoints(endpointsOf('local', [aHost(echo.port)]))
  client.setCluster(aCluster('payments', { tls: tlsTo('sni', payments) }))
  client.setEndpoints(endpointsOf('payments', [aHost(await freePort()), aHost(inbound)]))
  const handler = { kind: 'tcp', permissions: null, clusters: [{ cluster: 'local', weight: 1 }] } as const
  const table = {
    name: 'tcp-in',
    address: '127.0.0.1',
    port: inbound,
    accept: { kind: 'mtls', alpn: [] },
    handler: { ...handler, permissions: { deny: [], allow: [{ type: 'exact', value: web }] } },
  } as const
  await server.setListener(table)
  await client.setListener({
    name: 'tcp-out',
    address: '127.0.0.1',
    port: entry,
    accept: { kind: 'plain' },
    handler: { ...handler, clusters: [{ cluster: 'payments', weight: 1 }] },
  })
  const body = Buffer.alloc(1_000_000, 'x')
  const talk = async () => {
    const socket = connectTcp({ port: entry, host: '127.0.0.1', allowHalfOpen: true })
    socket.on('error', () => {})
    socket.end(body)
    const parts: Buffer[] = []
    socket.on('data', part => void parts.push(part))
    await closed(socket)
    return Buffer.concat(parts).length
  }

  assert.equal(await talk(), body.length + 9)
  assert.equal(await talk(), body.length + 9)
  await server.setListener({ ...table, handler: { ...handler, permissions: { deny: [], allow: [] } } })
  assert.equal(await talk(), 0)
})

test('a TCP connection that is reset on one side is reset on the other', async () => {
  await using upstream = await aTcpServer(socket => void setTimeout(() => socket.resetAndDestroy(), 30))
  await using plane = aDataPlane()
  const entry = await freePort()
  plane.setCluster(aCluster('db'))
  plane.setEndpoints(endpointsOf('db', [aHost(upstream.port)]))
  await plane.setListener({
    name: 'tcp',
    address: '127.0.0.1',
    port: entry,
    accept: { kind: 'plain' },
    handler: { kind: 'tcp', permissions: null, clusters: [{ cluster: 'db', weight: 1 }] },
  })

  const socket = connectTcp(entry, '127.0.0.1')
  const [error] = await once(socket, 'error')

  assert.equal(error.code, 'ECONNRESET')
})

test('a host that is asked for by name is looked up once, waited for, and then known', async () => {
  await using app = await anApp()
  await using plane = aDataPlane()
  const entry = await freePort()
  const asked: string[] = []
  plane.onHostWanted = (table, host) => {
    asked.push(`${table} ${host}`)
    if (host === 'gone.mesh') setTimeout(() => plane.hostMissing(table, host), 20)
    if (host === 'hello.mesh')
      setTimeout(() => {
        plane.setCluster(aCluster('hello'))
        plane.setEndpoints(endpointsOf('hello', [aHost(app.port)]))
        plane.setRoutes({
          ...onDemand,
          exact: new Map([
            ['hello.mesh', { name: 'hello', routes: routesTo('hello').any!.routes, responseHeaders: { set: [], add: [], remove: [] } }],
          ]),
        })
      }, 50)
  }
  const onDemand = { name: 'http_proxy', exact: new Map(), suffixes: [], any: null, onDemand: true }
  await plane.setListener(aListener('http_proxy', entry, onDemand))

  const viaProxy = { path: 'http://hello.mesh/path?q=1', headers: { host: 'ignored.example' } }
  const [first, second] = await Promise.all([call(entry, viaProxy), call(entry, { headers: { host: 'Hello.Mesh:80' } })])
  const third = await call(entry, viaProxy)
  const gone = await call(entry, { headers: { host: 'gone.mesh' } })
  const again = await call(entry, { headers: { host: 'gone.mesh' } })

  assert.deepEqual([first.body, second.body, third.body], Array(3).fill('hello from app'))
  assert.deepEqual(app.requests[0], 'GET /path?q=1')
  assert.deepEqual([gone.status, again.status], [503, 503])
  assert.match(gone.body, /no service is known by the name 'gone\.mesh'/)
  assert.deepEqual(asked, ['http_proxy hello.mesh', 'http_proxy gone.mesh'])
})

test('a retry policy that repeats everything still ends', async () => {
  const client = await aClientSide([[await freePort()], [await freePort()]], { retry: { ...retryEverything, attempts: 5 } })
  await using _client = client.plane

  assert.equal((await call(client.entry)).status, 503)
  assert.equal(client.plane.lines[0]?.tries.length, 6)
})
