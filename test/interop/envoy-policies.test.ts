import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { connect } from 'node:tls'
import { ask, EnvoyMesh, outboundsTo, skip, type TestedProxy, until } from './envoy-mesh.ts'

/** What policies do to requests between two Envoys, those included that the built-in proxy does not act on. */
describe('a policy on an Envoy', { skip, timeout: 120_000 }, () => {
  let mesh: EnvoyMesh
  let web: TestedProxy
  let orders: TestedProxy
  /** Requests that the applications had, by path. */
  const had: string[] = []
  let isWell = true
  const applied: [plural: string, name: string][] = []

  before(async () => {
    mesh = await EnvoyMesh.start()
    const ordersApp = await mesh.application((request, response) => {
      const path = request.url!
      had.push(path)
      if (path.startsWith('/slow')) return void setTimeout(() => response.end('slow'), 1500)
      if (path.startsWith('/healthz')) return response.writeHead(isWell ? 200 : 503).end()
      if (path.startsWith('/flaky')) return response.writeHead(had.filter(it => it === path).length < 3 ? 503 : 200).end()
      response.writeHead(200, { 'content-type': 'application/json', 'x-server-secret': 'hidden' })
      response.end(JSON.stringify(request.headers))
    })
    const copies = await mesh.application((request, response) => {
      had.push(`copy of ${request.url}`)
      response.end('copy')
    })
    orders = await mesh.proxy('orders', 'envoy', '--port', String(ordersApp))
    const shop = await mesh.proxy('copies', 'envoy', '--port', String(copies))
    web = await mesh.proxy('web', 'envoy', '--port', String(ordersApp), ...(await outboundsTo('orders', 'copies')))
    await Promise.all([web, orders, shop].map(proxy => proxy.ready()))
    await until('web reaches orders', async () => (await call('/')).status === 200)
    await until('web reaches copies', async () => (await ask(web.port('outbound.copies'))).status === 200)
  })
  after(() => mesh?.stop())
  afterEach(async () => {
    for (const [plural, name] of applied.splice(0)) await mesh.remove(plural, name)
    await until('nothing of it is left', async () => (await call('/')).status === 200)
    assert.deepEqual([...(await web.complaints()), ...(await orders.complaints())], [])
  })

  const call = (path: string, headers: Record<string, string> = {}) => ask(web.port('outbound.orders'), { path, headers })
  const apply = async (plural: string, type: string, spec: object) => {
    applied.push([plural, 'tested'])
    await mesh.put(plural, type, 'tested', spec)
  }
  const toOrders = { targetRef: { kind: 'MeshService', labels: { 'kuma.io/display-name': 'orders' } } }
  const ofOrders = { kind: 'Dataplane', labels: { 'kuma.io/workload': 'orders' } }

  test('MeshTimeout ends a request that takes too long', async () => {
    assert.equal((await call('/slow')).status, 200)
    await apply('meshtimeouts', 'MeshTimeout', { to: [{ ...toOrders, default: { http: { requestTimeout: '300ms' } } }] })

    await until('it times out', async () => (await call('/slow')).status === 504)
  })

  test('MeshRetry tries again what a server failed at', async () => {
    assert.equal((await call('/flaky/before')).status, 503)
    await apply('meshretries', 'MeshRetry', { to: [{ ...toOrders, default: { http: { numRetries: 3, retryOn: ['GatewayError'] } } }] })
    let attempt = 0

    await until('it is tried again', async () => (await call(`/flaky/${++attempt}`)).status === 200)
    assert.equal(had.filter(path => path === `/flaky/${attempt}`).length, 3)
  })

  test('MeshRateLimit refuses what is too much, in the words that it says', async () => {
    const http = {
      requestRate: { num: 3, interval: '60s' },
      onRateLimit: { status: 423, headers: { add: [{ name: 'x-slow-down', value: '1' }] } },
    }
    await apply('meshratelimits', 'MeshRateLimit', { targetRef: ofOrders, rules: [{ default: { local: { http } } }] })
    const answers: number[] = []

    await until('one is refused', async () => {
      const { status, headers } = await call('/')
      answers.push(status)
      if (status === 423) assert.equal(headers['x-slow-down'], '1')
      return status === 423
    })
    assert(answers.filter(status => status === 200).length >= 3)
  })

  test('MeshFaultInjection fails requests on purpose', async () => {
    const http = [{ abort: { httpStatus: 418, percentage: 100 } }]
    await apply('meshfaultinjections', 'MeshFaultInjection', { targetRef: ofOrders, rules: [{ default: { http } }] })

    await until('it fails', async () => (await call('/')).status === 418)
  })

  test('MeshCircuitBreaker lets no more through at once than it says', async () => {
    const connectionLimits = { maxConnections: 1, maxPendingRequests: 1, maxRequests: 1 }
    await apply('meshcircuitbreakers', 'MeshCircuitBreaker', { to: [{ ...toOrders, default: { connectionLimits } }] })

    await until('some are refused', async () => {
      const statuses = (await Promise.all(Array.from({ length: 6 }, () => call('/slow')))).map(({ status }) => status)
      return statuses.includes(200) && statuses.filter(status => status === 503).length >= 3
    })
  })

  test('MeshHTTPRoute changes headers on their way there and back', async () => {
    const filters = [
      { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'x-from', value: '100% web' }], remove: ['x-debug'] } },
      { type: 'ResponseHeaderModifier', responseHeaderModifier: { remove: ['x-server-secret'], add: [{ name: 'x-zone', value: 'east' }] } },
    ]
    const rules = [{ matches: [{ path: { type: 'PathPrefix', value: '/' } }], default: { filters } }]
    await apply('meshhttproutes', 'MeshHTTPRoute', { to: [{ ...toOrders, rules }] })

    await until('they are changed', async () => (await call('/')).headers['x-zone'] === 'east')
    const { body, headers } = await call('/', { 'x-debug': 'yes' })
    const received = JSON.parse(body)
    assert.deepEqual([received['x-from'], received['x-debug'], headers['x-server-secret']], ['100% web', undefined, undefined])
  })

  test('MeshHTTPRoute sends copies of requests elsewhere', async () => {
    const backendRef = { kind: 'MeshService', labels: { 'kuma.io/display-name': 'copies' }, port: 80 }
    const found = (await mesh.api('/meshes/default/meshservices/copies')) as { spec: { ports: { port: number }[] } }
    backendRef.port = found.spec.ports[0]!.port
    const filters = [{ type: 'RequestMirror', requestMirror: { percentage: 100, backendRef } }]
    const rules = [{ matches: [{ path: { type: 'PathPrefix', value: '/' } }], default: { filters } }]
    await apply('meshhttproutes', 'MeshHTTPRoute', { to: [{ ...toOrders, rules }] })

    await until('a copy arrives', async () => {
      assert.equal((await call('/mirrored')).status, 200)
      return had.includes('copy of /mirrored')
    })
  })

  test('MeshAccessLog writes a line for each request', async () => {
    const path = join(mesh.directory, 'access.log')
    const plain = '%REQ(:PATH)% %RESPONSE_CODE% %KUMA_SOURCE_SERVICE% -> %KUMA_DESTINATION_SERVICE%\n'
    const backends = [{ type: 'File', file: { path, format: { type: 'Plain', plain } } }]
    await apply('meshaccesslogs', 'MeshAccessLog', { to: [{ ...toOrders, default: { backends } }] })

    await until(
      'the line is there',
      async () => {
        await call('/logged')
        return /^\/logged 200 web -> orders$/m.test(await readFile(path, 'utf8'))
      },
      15_000,
    )
  })

  test('MeshHealthCheck takes an instance out that says it is not well', async () => {
    const check = { interval: '100ms', timeout: '1s', unhealthyThreshold: 1, healthyThreshold: 1, http: { path: '/healthz' } }
    const healthy = () => web.stat('cluster\\..*orders.*membership_healthy')
    await apply('meshhealthchecks', 'MeshHealthCheck', { to: [{ ...toOrders, default: check }] })
    await until('it is asked', () => had.includes('/healthz'))

    isWell = false
    await until('it is out', async () => (await healthy()) === 0)
    assert.equal((await call('/')).status, 503)
    isWell = true
    await until('it is back', async () => (await healthy()) === 1 && (await call('/')).status === 200)
  })

  test('MeshTLS decides which versions are spoken', async () => {
    const port = orders.port('inbound.main')
    const handshake = () =>
      new Promise<string>(resolve => {
        const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, maxVersion: 'TLSv1.2' })
        socket.on('secureConnect', () => resolve(`${socket.getProtocol()}`))
        socket.on('error', error => resolve(error.message))
      })
    assert.doesNotMatch(await handshake(), /version/i)
    await apply('meshtlses', 'MeshTLS', { rules: [{ default: { tlsVersion: { min: 'TLS13', max: 'TLS13' } } }] })

    await until('TLS 1.2 is refused', async () => /version/i.test(await handshake()))
    await until('the mesh speaks on', async () => (await call('/')).status === 200)
  })

  test('MeshProxyPatch has the last word, and what does not fit is reported on it', async () => {
    const manager = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'
    const name = 'envoy.filters.network.http_connection_manager'
    const value = `typed_config: { '@type': ${manager}, server_name: patched }`
    const appendModifications = [
      { networkFilter: { operation: 'Patch', match: { name, origin: 'outbound' }, value } },
      { cluster: { operation: 'Patch', value: 'no_such_field: 1' } },
    ]
    await apply('meshproxypatches', 'MeshProxyPatch', { default: { appendModifications } })

    await until('it is patched', async () => (await call('/')).headers.server === 'patched')
    const { warnings } = (await web.inspect()) as { warnings: { resource: string; reason: string }[] }
    const ofPatch = warnings.filter(({ reason }) => reason.includes('MeshProxyPatch'))
    assert.equal(ofPatch.length, 1)
    assert.match(ofPatch[0]!.reason, /no_such_field/)
  })
})
