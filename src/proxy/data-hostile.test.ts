import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { seededRandom } from '../std/random.ts'
import {
  aCluster,
  aDataPlane,
  aHost,
  aListener,
  anApp,
  anIdentity,
  anInbound,
  aTcpServer,
  aTrustDomain,
  call,
  endpointsOf,
  exchangeRaw,
  freePort,
  pause,
  retryEverything,
  routesTo,
  tlsTo,
  trustIn,
} from './testing.ts'

const random = seededRandom(11)
const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random.next() * choices.length)]!

/** Something that is nearly a message. */
function mangled(message: string): Buffer {
  const bytes = Buffer.from(message, 'latin1')
  const cut = Math.floor(random.next() * bytes.length)
  switch (Math.floor(random.next() * 4)) {
    case 0:
      return bytes.subarray(0, cut)
    case 1:
      bytes[cut] = Math.floor(random.next() * 256)
      return bytes
    case 2:
      return Buffer.concat([bytes.subarray(cut), bytes.subarray(0, cut)])
    default:
      return Buffer.concat([bytes, bytes.subarray(cut), Buffer.from([Math.floor(random.next() * 256)])])
  }
}

test('whatever clients send to any kind of listener, the proxy goes on', async () => {
  await using app = await anApp()
  await using plane = aDataPlane()
  const authority = await aTrustDomain('default.aws-1.mesh.local')
  plane.setIdentity(await anIdentity(authority, 'spiffe://default.aws-1.mesh.local/workload/a'))
  plane.setTrust(trustIn({ 'default.aws-1.mesh.local': authority }))
  plane.setCluster(aCluster('app'))
  plane.setEndpoints(endpointsOf('app', [aHost(app.port)]))
  const [http, mtls, sni, tcp] = [await freePort(), await freePort(), await freePort(), await freePort()]
  await plane.setListener(aListener('http', http, routesTo('app', retryEverything)))
  await plane.setListener(anInbound('mtls', mtls, 'app'))
  const clusters = [{ cluster: 'app', weight: 1 }]
  await plane.setListener({
    name: 'sni',
    address: '127.0.0.1',
    port: sni,
    accept: { kind: 'sni' },
    handler: { kind: 'sni', chains: new Map([['a', clusters]]) },
  })
  await plane.setListener({
    name: 'tcp',
    address: '127.0.0.1',
    port: tcp,
    accept: { kind: 'plain' },
    handler: { kind: 'tcp', permissions: null, clusters },
  })
  const messages = [
    'GET /a?b HTTP/1.1\r\nhost: x\r\n\r\n',
    'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nhost: x\r\n\r\n',
    'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n5;a=b\r\nhello\r\n0\r\nx: y\r\n\r\n',
    'GET http://x/ HTTP/1.0\r\nconnection: close, x-a\r\nx-a: b\r\n\r\n',
    '\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03',
  ]

  await Promise.all(
    Array.from({ length: 200 }, async () => {
      const port = pick([http, http, http, mtls, sni, tcp])
      if (random.next() < 0.3) {
        const socket = connect(port, '127.0.0.1').on('error', () => {})
        socket.write(mangled(pick(messages)))
        await pause(random.next() * 20)
        socket.resetAndDestroy()
      } else await exchangeRaw(port, mangled(pick(messages)), 50)
    }),
  )

  assert.deepEqual(plane.faults, [])
  assert.equal((await call(http)).status, 200)
  assert.equal(plane.counters().get('skerry_cluster_active{cluster="app"}'), 0)
})

test('whatever an upstream answers, the proxy goes on', async () => {
  const messages = [
    'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    'HTTP/1.0 503 No\r\nkeep-alive: timeout=1\r\nx-skerry-refused: y\r\n\r\nhello',
    'HTTP/1.1 204 No Content\r\ncontent-length: 5\r\nconnection: content-length\r\n\r\n',
  ]
  await using upstream = await aTcpServer(socket => {
    socket.on('data', () => {
      socket.write(mangled(pick(messages)))
      if (random.next() < 0.5) socket.end()
      else if (random.next() < 0.3) socket.resetAndDestroy()
    })
  })
  await using plane = aDataPlane()
  const entry = await freePort()
  plane.setCluster(aCluster('app'))
  plane.setEndpoints(endpointsOf('app', [aHost(upstream.port)]))
  await plane.setListener(aListener('http', entry, routesTo('app', retryEverything)))

  await Promise.all(
    Array.from({ length: 200 }, () =>
      exchangeRaw(entry, 'GET / HTTP/1.1\r\nhost: x\r\n\r\nPUT / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\nx', 50),
    ),
  )
  // What was given up ends with the next word of its connection, which takes its time on a busy machine; what is left then is left for good.
  for (let waited = 0; waited < 2000 && plane.counters().get('skerry_cluster_active{cluster="app"}') !== 0; waited += 20) await pause(20)

  assert.deepEqual(plane.faults, [])
  assert.equal(plane.counters().get('skerry_cluster_active{cluster="app"}'), 0)
  assert.equal(plane.counters().get('skerry_cluster_pending{cluster="app"}'), 0)
})

test('a listener that opened before the proxy had its certificate serves once it has', async () => {
  await using app = await anApp()
  const authority = await aTrustDomain('default.aws-1.mesh.local')
  const id = 'spiffe://default.aws-1.mesh.local/workload/a'
  await using server = aDataPlane()
  await using client = aDataPlane()
  const [inbound, entry] = [await freePort(), await freePort()]
  server.setCluster(aCluster('local'))
  server.setEndpoints(endpointsOf('local', [aHost(app.port)]))
  await server.setListener(anInbound('inbound', inbound, 'local'))
  client.setCluster(aCluster('a', { tls: tlsTo('sni.a', id) }))
  client.setEndpoints(endpointsOf('a', [aHost(inbound)]))
  await client.setListener(aListener('outbound', entry, routesTo('a')))
  const trust = trustIn({ 'default.aws-1.mesh.local': authority })
  client.setIdentity(await anIdentity(authority, id))
  client.setTrust(trust)
  assert.equal((await call(entry)).status, 503)

  server.setIdentity(await anIdentity(authority, id))
  server.setTrust(trust)

  assert.equal((await call(entry)).status, 200)
})

test('a head that never ends is cut off, and so is one that comes too slowly', async () => {
  await using app = await anApp()
  await using plane = aDataPlane()
  const entry = await freePort()
  plane.setCluster(aCluster('app'))
  plane.setEndpoints(endpointsOf('app', [aHost(app.port)]))
  await plane.setListener(aListener('http', entry, routesTo('app')))
  const socket = connect(entry, '127.0.0.1').on('error', () => {})
  let text = ''
  socket.on('data', part => {
    text += part
  })
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n')
  for (let i = 0; i < 40 && text === ''; i++) {
    socket.write(`a${i}: ${'x'.repeat(1000)}\r\n`)
    await pause(2)
  }

  assert.match(text, /^HTTP\/1\.1 431 /)
  socket.destroy()
})
