import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import type { Lambda } from '../model/kinds/dataplane.ts'
import { systemClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import { systemRandom } from '../std/random.ts'
import type { ListenerTable, Permissions } from './compile/table.ts'
import { createDataPlane, type RunningDataPlane } from './data.ts'
import { kept } from './lambda/credentials.ts'
import { anInvokeApi, type FunctionResult, testKeys } from './lambda/testing.ts'
import {
  aCluster,
  aDataPlane,
  aHost,
  aListener,
  anApp,
  anIdentity,
  anInbound,
  aTrustDomain,
  call,
  endpointsOf,
  freePort,
  pause,
  routesTo,
  tlsTo,
  trustIn,
} from './testing.ts'

const east = await aTrustDomain('default.east.mesh.local')
const trust = trustIn({ 'default.east.mesh.local': east })
const id = (workload: string) => `spiffe://default.east.mesh.local/workload/${workload}`
const sni = 'sni.msvc.default.east.plain.http'

/** A zone gateway that answers in the name of `plain`. */
async function aGateway(over: { permissions?: Permissions; appPort?: number; lambda?: Lambda; plane?: RunningDataPlane } = {}) {
  const plane = over.plane ?? aDataPlane()
  const port = await freePort()
  plane.setIdentity(await anIdentity(east, id('zone-gateway')))
  plane.setWorkloadIdentity(id('plain'), await anIdentity(east, id('plain')))
  plane.setTrust(trust)
  plane.setCluster(aCluster('agentless_plain_http', over.lambda ? { lambda: over.lambda } : {}))
  plane.setEndpoints(endpointsOf('agentless_plain_http', [aHost(over.appPort ?? 443)]))
  plane.setCluster(aCluster('ingress'))
  plane.setEndpoints(
    endpointsOf('ingress', [aHost(0, { address: 'agentless_plain_http', listener: 'agentless_plain_http', name: 'plain' })]),
  )
  const { port: _, ...inbound } = anInbound('agentless_plain_http', 0, 'agentless_plain_http', over.permissions)
  const listener: ListenerTable = {
    ...inbound,
    port: 0,
    address: '',
    isInternal: true,
    accept: { kind: 'mtls', alpn: ['http/1.1'], spiffeId: id('plain') },
  }
  await plane.setListener(listener)
  await plane.setListener({
    name: 'zone-ingress',
    address: '127.0.0.1',
    port,
    accept: { kind: 'sni' },
    handler: { kind: 'sni', chains: new Map([[sni, [{ cluster: 'ingress', weight: 1 }]]]) },
  })
  return { plane, port, listener }
}

async function aCaller(port: number, workload = 'web', allowed = id('plain')) {
  const plane = aDataPlane()
  const entry = await freePort()
  plane.setIdentity(await anIdentity(east, id(workload)))
  plane.setTrust(trust)
  plane.setCluster(aCluster('plain', { tls: tlsTo(sni, allowed) }))
  plane.setEndpoints(endpointsOf('plain', [aHost(port)]))
  await plane.setListener(aListener('outbound', entry, routesTo('plain')))
  return { plane, entry }
}

test('a zone gateway ends TLS under the identity of the workload, and calls it in the clear', async () => {
  const peers: unknown[] = []
  await using app = await anApp('app', (request, response) => {
    peers.push(request.headers['x-forwarded-client-cert'])
    response.end('plain')
  })
  const gateway = await aGateway({ appPort: app.port })
  await using _gateway = gateway.plane
  const caller = await aCaller(gateway.port)
  await using _caller = caller.plane
  const stranger = await aCaller(gateway.port, 'web', id('zone-gateway'))
  await using _stranger = stranger.plane

  assert.equal((await call(caller.entry)).body, 'plain')
  assert.equal((await call(caller.entry)).body, 'plain')
  assert.deepEqual(peers, [`URI=${id('web')}`, `URI=${id('web')}`])
  assert.equal((await call(stranger.entry)).status, 503)
})

test('who calls without a certificate does not get in', async () => {
  await using app = await anApp()
  const gateway = await aGateway({ appPort: app.port })
  await using _gateway = gateway.plane

  const code = await new Promise<string>(resolve => {
    const socket = connectTls({ host: '127.0.0.1', port: gateway.port, servername: sni, rejectUnauthorized: false })
    socket.on('error', error => resolve((error as NodeJS.ErrnoException).code ?? error.message))
    socket.on('close', () => resolve('closed'))
    socket.on('secureConnect', () => socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n'))
    socket.on('data', data => resolve(`answered ${data}`))
  })
  assert.doesNotMatch(code, /^answered/)
  assert.deepEqual(app.requests, [])
})

test('permissions of the workload hold, and change under open connections', async () => {
  await using app = await anApp()
  const gateway = await aGateway({ appPort: app.port })
  await using _gateway = gateway.plane
  const caller = await aCaller(gateway.port)
  await using _caller = caller.plane
  assert.equal((await call(caller.entry)).status, 200)

  const { handler } = gateway.listener
  assert(handler.kind === 'http')
  const permissions: Permissions = { deny: [{ type: 'exact', value: id('web') }], allow: [{ type: 'any' }] }
  await gateway.plane.setListener({ ...gateway.listener, handler: { ...handler, permissions } })

  assert.equal((await call(caller.entry)).status, 403)
})

test('a renewed certificate of a workload is shown to the next connection, and none that is open is cut', async () => {
  await using app = await anApp()
  const gateway = await aGateway({ appPort: app.port })
  await using _gateway = gateway.plane
  const first = await aCaller(gateway.port)
  await using _first = first.plane
  assert.equal((await call(first.entry)).status, 200)

  gateway.plane.setWorkloadIdentity(id('plain'), await anIdentity(east, id('renamed')))

  assert.equal((await call(first.entry)).status, 200)
  const second = await aCaller(gateway.port, 'web', id('renamed'))
  await using _second = second.plane
  assert.equal((await call(second.entry)).status, 200)
})

test('large bodies pass both ways', async () => {
  await using app = await anApp('app', (request, response) => request.pipe(response))
  const gateway = await aGateway({ appPort: app.port })
  await using _gateway = gateway.plane
  const caller = await aCaller(gateway.port)
  await using _caller = caller.plane

  const body = Buffer.alloc(5_000_000, 'abcdefgh')
  assert.deepEqual((await post(caller.entry, body)).body, body)
})

test('a listener that is gone closes what was passed to it, and takes nothing more', async () => {
  await using app = await anApp()
  const gateway = await aGateway({ appPort: app.port })
  await using _gateway = gateway.plane
  const caller = await aCaller(gateway.port)
  await using _caller = caller.plane
  assert.equal((await call(caller.entry)).status, 200)

  await gateway.plane.removeListener('agentless_plain_http', 1000)

  assert.equal((await call(caller.entry)).status, 503)
})

const arn = 'arn:aws:lambda:eu-central-1:123456789012:function:shop:live'

async function aFunction(run: Parameters<typeof anInvokeApi>[0], payload: Lambda['payload'] = 'http-2.0') {
  const stack = new AsyncDisposableStack()
  const api = stack.use(await anInvokeApi(run))
  let asked = 0
  const credentials = kept(systemClock, async () => {
    asked++
    return testKeys
  })
  const plane = createDataPlane({ clock: systemClock, random: systemRandom, log: silentLog, awsCredentials: () => credentials })
  const lambda: Lambda = { arn, region: 'eu-central-1', endpoint: api.endpoint, payload }
  const gateway = await aGateway({ plane, lambda })
  stack.use(gateway.plane)
  const caller = await aCaller(gateway.port)
  stack.use(caller.plane)
  return { api, entry: caller.entry, asked: () => asked, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

test('a function is invoked by signed requests over connections that are kept, with credentials that are fetched once', async () => {
  await using shop = await aFunction(({ payload }) => {
    const { rawPath, requestContext, headers } = JSON.parse(payload.toString())
    const told = { path: rawPath, method: requestContext.http.method, peer: headers['x-forwarded-client-cert'] }
    return { payload: { statusCode: 201, headers: { 'x-from': 'function' }, cookies: ['a=1', 'b=2'], body: JSON.stringify(told) } }
  })

  for (let i = 0; i < 10; i++) {
    const answer = await call(shop.entry, { path: '/cart?item=3' })
    assert.equal(answer.status, 201)
    assert.deepEqual(JSON.parse(answer.body), { path: '/cart', method: 'GET', peer: `URI=${id('web')}` })
    assert.deepEqual([answer.headers['x-from'], answer.headers['set-cookie']], ['function', ['a=1', 'b=2']])
  }
  assert.equal(shop.api.invocations.length, 10)
  assert(shop.api.invocations.every(invocation => invocation.arn === arn))
  assert(shop.api.connections() <= 2)
  assert.equal(shop.asked(), 1)
})

test('many invocations at a time keep each its own answer', async () => {
  await using shop = await aFunction(async ({ payload }) => {
    const { rawPath } = JSON.parse(payload.toString())
    await pause(Math.random() * 20)
    return { payload: { statusCode: 200, body: rawPath } }
  })

  const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => call(shop.entry, { path: `/${i}` })))
  assert.deepEqual(
    answers.map(({ body }) => body),
    answers.map((_, i) => `/${i}`),
  )
})

test('bodies that are no text come through as they are, both ways', async () => {
  await using shop = await aFunction(({ payload }) => {
    const { body, isBase64Encoded } = JSON.parse(payload.toString())
    return { payload: { statusCode: 200, headers: { 'content-type': 'application/octet-stream' }, body, isBase64Encoded } }
  })

  const body = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 256))
  assert.deepEqual((await post(shop.entry, body)).body, body)
})

test('a request that is larger than a function takes is refused, and not sent', async () => {
  await using shop = await aFunction(() => ({ payload: 'never' }))

  assert.equal((await post(shop.entry, Buffer.alloc(5_000_000))).status, 413)
  assert.equal((await post(shop.entry, Buffer.alloc(7_000_000))).status, 413)
  assert.equal(shop.api.invocations.length, 0)
})

test('a function that fails or is throttled is a failure', async () => {
  await using shop = await aFunction(({ payload }) => {
    const { rawPath } = JSON.parse(payload.toString())
    const throttled: FunctionResult = {
      status: 429,
      headers: { 'retry-after': '3' },
      payload: { Reason: 'ConcurrentInvocationLimitExceeded' },
    }
    const thrown: FunctionResult = {
      headers: { 'x-amz-function-error': 'Unhandled' },
      payload: { errorType: 'RangeError', stackTrace: ['secret'] },
    }
    return rawPath === '/throttled' ? throttled : thrown
  })

  const failed = await call(shop.entry)
  assert.deepEqual([failed.status, failed.headers['x-skerry-function-error']], [502, 'RangeError'])
  assert.doesNotMatch(failed.body, /secret/)
  const throttled = await call(shop.entry, { path: '/throttled' })
  assert.deepEqual([throttled.status, throttled.headers['retry-after']], [503, '3'])
})

test('with passthrough the body is the event, and the result the body', async () => {
  await using shop = await aFunction(({ payload }) => ({ payload: { got: JSON.parse(payload.toString()) } }), 'passthrough')

  const { body } = await post(shop.entry, Buffer.from('{"statusCode":404}'))
  assert.deepEqual(JSON.parse(body.toString()), { got: { statusCode: 404 } })
})

test('credentials are asked for once however many wait, and anew before they end', async () => {
  let asked = 0
  let now = 0
  const clock = { ...systemClock, now: () => now }
  const credentials = kept(clock, async () => {
    asked++
    return { ...testKeys, expiration: new Date(now + 3_600_000) }
  })

  await Promise.all([credentials(), credentials(), credentials()])
  assert.equal(asked, 1)
  now = 3_600_000 - 60_000
  await credentials()
  assert.equal(asked, 2)
  await pause(1)
  await credentials()
  assert.equal(asked, 2)
})

function post(port: number, body: Buffer): Promise<{ status: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/octet-stream', 'content-length': body.length }
    const sent = httpRequest({ host: '127.0.0.1', port, method: 'POST', agent: false, headers }, response => {
      const parts: Buffer[] = []
      response.on('data', part => parts.push(part))
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode!, body: Buffer.concat(parts) }))
    })
    // Refused while it is still being sent.
    sent.on('error', error => ((error as NodeJS.ErrnoException).code === 'EPIPE' ? undefined : reject(error)))
    sent.end(body)
  })
}
