import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { connect } from 'node:tls'
import { enforces, unenforcedValues } from '../../src/envoy/enforcement.ts'
import { type Asking, ask, EnvoyMesh, envoy, noHosts, outboundsTo, skip, type TestedProxy, until } from './envoy-mesh.ts'
import { callUnary, chat, startGrpcEcho } from './grpc-echo.ts'
import { startTwoZones, type TwoZones } from './two-zones.ts'

/**
 * What policies do to real requests, the same on every data plane. What one of them does not enforce is no failure, but must stand among the
 * warnings of its proxy.
 */
for (const engine of ['skerry', 'envoy'] as const) {
  const isMissing = engine === 'envoy' && envoy === null ? skip : false
  describe(`a policy on ${engine === 'envoy' ? 'an Envoy' : 'the built-in proxy'}`, { skip: isMissing, timeout: 240_000 }, () => {
    let mesh: EnvoyMesh
    let web: TestedProxy
    let orders: TestedProxy
    /** Requests that the applications had, by path. */
    const had: string[] = []
    let isWell = true
    /** What the second instance of `pair` answers with. */
    let pairStatus = 200
    const applied: [plural: string, name: string][] = []
    let grpc: Awaited<ReturnType<typeof startGrpcEcho>>

    before(async () => {
      mesh = await EnvoyMesh.start()
      grpc = await startGrpcEcho()
      const ordersApp = await mesh.application((request, response) => {
        const path = request.url!
        had.push(path)
        if (path.startsWith('/slow')) return void setTimeout(() => response.end('slow'), 1500)
        if (path.startsWith('/failing')) return void setTimeout(() => response.writeHead(503).end(), 400)
        if (path.startsWith('/healthz')) return response.writeHead(isWell ? 200 : 503).end()
        if (path.startsWith('/flaky')) return response.writeHead(had.filter(it => it === path).length < 3 ? 503 : 200).end()
        response.writeHead(200, { 'content-type': 'application/json', 'x-server-secret': 'hidden' })
        response.end(JSON.stringify({ url: request.url, ...request.headers }))
      })
      const copies = await mesh.application((request, response) => {
        had.push(`copy of ${request.url}`)
        response.end('copy')
      })
      const [one, two] = [
        await mesh.application((_request, response) => response.end('one')),
        await mesh.application((_request, response) => response.writeHead(pairStatus).end('two')),
      ]
      orders = await mesh.proxy('orders', engine, '--port', String(ordersApp))
      const others = await Promise.all([
        mesh.proxy('copies', engine, '--port', String(copies)),
        mesh.proxy('pair', engine, '--name', 'pair-one', '--port', String(one), '--label', 'example.com/rack=a'),
        mesh.proxy('pair', engine, '--name', 'pair-two', '--port', String(two), '--label', 'example.com/rack=b'),
        mesh.proxy('echo', engine, '--port', `${grpc.port}/grpc`),
      ])
      web = await mesh.proxy(
        'web',
        engine,
        ...['--port', String(ordersApp), '--label', 'example.com/rack=a'],
        ...(await outboundsTo('orders', 'copies', 'pair', 'echo')),
      )
      await Promise.all([web, orders, ...others].map(proxy => proxy.ready()))
      await until('web reaches orders', async () => (await call('/')).status === 200)
      await until('web reaches copies', async () => (await ask(web.port('outbound.copies'))).status === 200)
      await until('web reaches both of a pair', async () => (await pairs(20)).size === 2)
      await until('web reaches echo', async () => (await unary('hello')).code === 0)
    })
    after(async () => {
      await mesh?.stop()
      grpc?.stop()
    })
    afterEach(async () => {
      for (const [plural, name] of applied.splice(0)) await mesh.remove(plural, name)
      await until('nothing of it is left', async () => (await call('/')).status === 200 && (await unary('hello')).code === 0)
      for (const proxy of [web, orders]) {
        if (engine === 'envoy') assert.deepEqual(await proxy.complaints(), [])
        else assert.deepEqual((await proxy.inspect()).refusals ?? [], [])
      }
    })

    const call = (path: string, headers: Record<string, string> = {}, more: Asking = {}) =>
      ask(web.port('outbound.orders'), { path, headers, ...more })
    const unary = (message: string, deadlineMs?: number) => callUnary(web.port('outbound.echo'), message, deadlineMs)
    /** Who of the pair answers, or with what status, and how often. */
    const pairs = async (times: number) => {
      const counts = new Map<string, number>()
      for (let i = 0; i < times; i++) {
        const { status, body } = await ask(web.port('outbound.pair'))
        const who = status === 200 ? body : String(status)
        counts.set(who, (counts.get(who) ?? 0) + 1)
      }
      return counts
    }
    const apply = async (plural: string, type: string, spec: object) => {
      applied.push([plural, 'tested'])
      await mesh.put(plural, type, 'tested', spec)
    }
    const to = (service: string) => ({ targetRef: { kind: 'MeshService', labels: { 'kuma.io/display-name': service } } })
    const toOrders = to('orders')
    const ofOrders = { kind: 'Dataplane', labels: { 'kuma.io/workload': 'orders' } }
    const everything = { matches: [{ path: { type: 'PathPrefix', value: '/' } }] }
    const backend = async (service: string) => {
      const found = (await mesh.api(`/meshes/default/meshservices/${service}`)) as { spec: { ports: { port: number }[] } }
      return { kind: 'MeshService', labels: { 'kuma.io/display-name': service }, port: found.spec.ports[0]!.port }
    }

    /** Checks what a setting does, or, where this data plane does nothing of it, that its proxy says so. */
    const effect = async (kind: string, path: string, on: () => TestedProxy, check: () => Promise<void>, value?: string) => {
      const isEnforced = enforces(kind, path, engine) && !unenforcedValues[kind]?.[path]?.[engine].includes(value ?? '')
      if (isEnforced) return check()
      await until(`it is reported that ${path} of ${kind} has no effect`, async () => {
        const { warnings } = (await on().inspect()) as { warnings: { reason: string }[] }
        return warnings.some(({ reason }) => reason.includes(`of a ${kind} is not enforced`))
      })
    }

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

    test('MeshRetry tries another instance', async () => {
      pairStatus = 500
      const http = {
        numRetries: 2,
        retryOn: ['5XX'],
        hostSelection: [{ predicate: 'OmitPreviousHosts' }],
        hostSelectionMaxAttempts: 5,
      }
      await apply('meshretries', 'MeshRetry', { to: [{ ...to('pair'), default: { http } }] })

      await until('the other one answers for it', async () => !(await pairs(10)).has('500'))
      assert.deepEqual([...(await pairs(20)).keys()], ['one'])
      pairStatus = 200
    })

    test('MeshCircuitBreaker takes an instance out that fails time and again, and back in', async () => {
      pairStatus = 500
      const outlierDetection = {
        interval: '1s',
        baseEjectionTime: '2s',
        maxEjectionPercent: 100,
        detectors: { totalFailures: { consecutive: 3 } },
      }
      await apply('meshcircuitbreakers', 'MeshCircuitBreaker', { to: [{ ...to('pair'), default: { outlierDetection } }] })

      await until('it is out', async () => !(await pairs(8)).has('500'))
      pairStatus = 200
      await until('it is back', async () => (await pairs(8)).has('two'))
    })

    test('MeshCircuitBreaker lets no more through at once than it says', async () => {
      const connectionLimits = { maxConnections: 1, maxPendingRequests: 1, maxRequests: 1 }
      await apply('meshcircuitbreakers', 'MeshCircuitBreaker', { to: [{ ...toOrders, default: { connectionLimits } }] })

      await until('some are refused', async () => {
        const statuses = (await Promise.all(Array.from({ length: 6 }, () => call('/slow')))).map(({ status }) => status)
        return statuses.includes(200) && statuses.filter(status => status === 503).length >= 3
      })
    })

    test('MeshCircuitBreaker lets no more retries run at once than it says', async () => {
      const http = { numRetries: 1, retryOn: ['5XX'], backOff: { baseInterval: '5ms', maxInterval: '10ms' } }
      await apply('meshretries', 'MeshRetry', { to: [{ ...toOrders, default: { http } }] })
      let round = 0
      /** How often the application was asked for six requests that all fail. */
      const asked = async () => {
        const path = `/failing/${++round}`
        await Promise.all(Array.from({ length: 6 }, () => call(path)))
        return had.filter(it => it === path).length
      }
      await until('each is tried twice', async () => (await asked()) === 12)
      await mesh.put('meshcircuitbreakers', 'MeshCircuitBreaker', 'tested', {
        to: [{ ...toOrders, default: { connectionLimits: { maxRetries: 1 } } }],
      })
      applied.push(['meshcircuitbreakers', 'tested'])

      await until('hardly one is', async () => (await asked()) <= 8)
    })

    test('MeshLoadBalancingStrategy prefers who is near', async () => {
      const affinityTags = [{ key: 'example.com/rack', weight: 9000 }]
      const localityAwareness = { localZone: { affinityTags } }
      await apply('meshloadbalancingstrategies', 'MeshLoadBalancingStrategy', { to: [{ ...to('pair'), default: { localityAwareness } }] })

      await until('the one in the same rack is asked', async () => ((await pairs(20)).get('one') ?? 0) >= 19)
    })

    test('MeshLoadBalancingStrategy sends what belongs together to one instance', async () => {
      const strategy = {
        loadBalancer: { type: 'RingHash', ringHash: {} },
        hashPolicies: [{ type: 'Header', header: { name: 'x-user' } }],
      }
      await apply('meshloadbalancingstrategies', 'MeshLoadBalancingStrategy', { to: [{ ...to('pair'), default: strategy }] })

      const check = () =>
        until('one instance has all of it', async () => {
          const bodies = new Set<string>()
          for (let i = 0; i < 12; i++) bodies.add((await ask(web.port('outbound.pair'), { headers: { 'x-user': 'a' } })).body)
          return bodies.size === 1
        })
      await effect('MeshLoadBalancingStrategy', 'loadBalancer.type', () => web, check, 'RingHash')
    })

    test('MeshHTTPRoute matches, splits, rewrites and redirects', async () => {
      const [ordersRef, copiesRef] = [await backend('orders'), await backend('copies')]
      const path = (value: string) => ({ type: 'PathPrefix', value })
      const rules = [
        {
          matches: [{ path: path('/api'), method: 'GET', headers: [{ type: 'Exact', name: 'x-team', value: 'a' }] }],
          default: { backendRefs: [{ ...copiesRef, weight: 1 }] },
        },
        {
          matches: [{ path: path('/split') }],
          default: {
            backendRefs: [
              { ...ordersRef, weight: 50 },
              { ...copiesRef, weight: 50 },
            ],
          },
        },
        {
          matches: [{ path: path('/old') }],
          default: {
            filters: [
              {
                type: 'URLRewrite',
                urlRewrite: { hostname: 'rewritten.example', path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new' } },
              },
            ],
          },
        },
        {
          matches: [{ path: path('/moved') }],
          default: {
            filters: [
              {
                type: 'RequestRedirect',
                requestRedirect: {
                  hostname: 'elsewhere.example',
                  statusCode: 302,
                  path: { type: 'ReplaceFullPath', replaceFullPath: '/there' },
                },
              },
            ],
          },
        },
      ]
      await apply('meshhttproutes', 'MeshHTTPRoute', { to: [{ ...toOrders, rules }] })

      await until('what matches goes elsewhere', async () => (await call('/api/x', { 'x-team': 'a' })).body === 'copy')
      assert.notEqual((await call('/api/x', { 'x-team': 'b' })).body, 'copy')
      assert.notEqual((await call('/api/x', { 'x-team': 'a' }, { method: 'POST' })).body, 'copy')
      const bodies = await Promise.all(Array.from({ length: 40 }, async () => (await call('/split')).body === 'copy'))
      const copied = bodies.filter(Boolean).length
      assert.ok(copied > 4 && copied < 36, `${copied} of 40`)
      const { url, host } = JSON.parse((await call('/old/x?y=1')).body)
      assert.deepEqual([url, host], ['/new/x?y=1', 'rewritten.example'])
      const moved = await call('/moved/x')
      assert.equal(moved.status, 302)
      assert.match(String(moved.headers.location), /^http:\/\/elsewhere\.example(:\d+)?\/there$/)
    })

    test('MeshHTTPRoute changes headers on their way there and back', async () => {
      const filters = [
        { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'x-from', value: '100% web' }], remove: ['x-debug'] } },
        {
          type: 'ResponseHeaderModifier',
          responseHeaderModifier: { remove: ['x-server-secret'], add: [{ name: 'x-zone', value: 'east' }] },
        },
      ]
      await apply('meshhttproutes', 'MeshHTTPRoute', { to: [{ ...toOrders, rules: [{ ...everything, default: { filters } }] }] })

      await until('they are changed', async () => (await call('/')).headers['x-zone'] === 'east')
      const { body, headers } = await call('/', { 'x-debug': 'yes' })
      const received = JSON.parse(body)
      assert.deepEqual([received['x-from'], received['x-debug'], headers['x-server-secret']], ['100% web', undefined, undefined])
    })

    test('MeshHTTPRoute sends copies of requests elsewhere', async () => {
      const filters = [{ type: 'RequestMirror', requestMirror: { percentage: 100, backendRef: await backend('copies') } }]
      await apply('meshhttproutes', 'MeshHTTPRoute', { to: [{ ...toOrders, rules: [{ ...everything, default: { filters } }] }] })

      await effect(
        'MeshHTTPRoute',
        'filters.requestMirror',
        () => web,
        () =>
          until('a copy arrives', async () => {
            assert.equal((await call('/mirrored')).status, 200)
            return had.includes('copy of /mirrored')
          }),
      )
    })

    test('calls of gRPC stream both ways, with trailers, statuses and deadlines', async () => {
      assert.deepEqual(await unary('hello'), { code: 0, message: 'hello', trailer: 'last word' })
      assert.equal((await unary('fail 5')).code, 5)
      assert.deepEqual(await chat(web.port('outbound.echo'), ['a', 'b', 'c']), ['re: a', 're: b', 're: c'])
      // DEADLINE_EXCEEDED
      assert.equal((await unary('never', 500)).code, 4)
      await until('the application hears that nobody waits any more', () => grpc.cancelled() > 0)
    })

    test('MeshTimeout and MeshRetry hold for calls of gRPC', async () => {
      await apply('meshtimeouts', 'MeshTimeout', { to: [{ ...to('echo'), default: { http: { requestTimeout: '500ms' } } }] })
      const retry = { grpc: { numRetries: 3, retryOn: ['Unavailable'], backOff: { baseInterval: '10ms', maxInterval: '50ms' } } }
      await mesh.put('meshretries', 'MeshRetry', 'tested', { to: [{ ...to('echo'), default: retry }] })
      applied.push(['meshretries', 'tested'])

      await until('a call without a deadline of its own ends', async () => [4, 14].includes((await unary('never')).code))
      let attempt = 0
      await until('what is unavailable is tried again', async () => (await unary(`flaky ${++attempt}`)).code === 0)
    })

    test('MeshRateLimit refuses what is too much, in the words that it says', async () => {
      const http = {
        requestRate: { num: 3, interval: '60s' },
        onRateLimit: { status: 423, headers: { add: [{ name: 'x-slow-down', value: '1' }] } },
      }
      await apply('meshratelimits', 'MeshRateLimit', { targetRef: ofOrders, rules: [{ default: { local: { http } } }] })

      await effect(
        'MeshRateLimit',
        'local.http',
        () => orders,
        async () => {
          const answers: number[] = []
          await until('one is refused', async () => {
            const { status, headers } = await call('/')
            answers.push(status)
            if (status === 423) assert.equal(headers['x-slow-down'], '1')
            return status === 423
          })
          assert(answers.filter(status => status === 200).length >= 3)
        },
      )
    })

    test('MeshFaultInjection fails requests on purpose', async () => {
      const http = [{ abort: { httpStatus: 418, percentage: 100 } }]
      await apply('meshfaultinjections', 'MeshFaultInjection', { targetRef: ofOrders, rules: [{ default: { http } }] })

      await effect(
        'MeshFaultInjection',
        'http',
        () => orders,
        () => until('it fails', async () => (await call('/')).status === 418),
      )
    })

    test('MeshAccessLog writes a line for each request', async () => {
      const path = join(mesh.directory, 'access.log')
      const plain = '%REQ(:PATH)% %RESPONSE_CODE% %KUMA_SOURCE_SERVICE% -> %KUMA_DESTINATION_SERVICE%\n'
      const backends = [{ type: 'File', file: { path, format: { type: 'Plain', plain } } }]
      await apply('meshaccesslogs', 'MeshAccessLog', { to: [{ ...toOrders, default: { backends } }] })

      const check = () =>
        until('the line is there', async () => {
          await call('/logged')
          return /^\/logged 200 web -> orders$/m.test(await readFile(path, 'utf8'))
        })
      await effect('MeshAccessLog', 'backends', () => web, check)
    })

    test('MeshHealthCheck takes an instance out that says it is not well', async () => {
      const conf = { interval: '100ms', timeout: '1s', unhealthyThreshold: 1, healthyThreshold: 1, http: { path: '/healthz' } }
      await apply('meshhealthchecks', 'MeshHealthCheck', { to: [{ ...toOrders, default: conf }] })

      const check = async () => {
        const healthy = () => web.stat('cluster\\..*orders.*membership_healthy')
        await until('it is asked', () => had.includes('/healthz'))
        isWell = false
        await until('it is out', async () => (await healthy()) === 0)
        assert.equal((await call('/')).status, 503)
        isWell = true
        await until('it is back', async () => (await healthy()) === 1 && (await call('/')).status === 200)
      }
      await effect('MeshHealthCheck', 'http.path', () => web, check)
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

      const check = async () => {
        await until('TLS 1.2 is refused', async () => /version/i.test(await handshake()))
        await until('the mesh speaks on', async () => (await call('/')).status === 200)
      }
      await effect('MeshTLS', 'tlsVersion.min', () => orders, check)
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

      const check = async () => {
        await until('it is patched', async () => (await call('/')).headers.server === 'patched')
        const { warnings } = (await web.inspect()) as { warnings: { resource: string; reason: string }[] }
        const ofPatch = warnings.filter(({ reason }) => reason.includes('MeshProxyPatch'))
        assert.equal(ofPatch.length, 1)
        assert.match(ofPatch[0]!.reason, /no_such_field/)
      }
      await effect('MeshProxyPatch', 'appendModifications', () => web, check)
    })

    // The last: connections that an Envoy accepted before a permission changed keep what they had until they are drained.
    test('MeshTrafficPermission refuses whom it denies', async () => {
      const value = 'spiffe://default.east.mesh.local/workload/web'
      const deny = [{ spiffeID: { type: 'Exact', value } }]
      for (const workload of ['orders', 'echo']) {
        const targetRef = { kind: 'Dataplane', labels: { 'kuma.io/workload': workload } }
        await mesh.put('meshtrafficpermissions', 'MeshTrafficPermission', `no-web-${workload}`, {
          targetRef,
          rules: [{ default: { deny } }],
        })
        applied.push(['meshtrafficpermissions', `no-web-${workload}`])
      }

      await until('it is refused', async () => (await call('/')).status === 403)
      // PERMISSION_DENIED
      await until('a call of gRPC is refused in its words', async () => (await unary('hello')).code === 7)
    })
  })
}

/** Why there is no test of this data plane in two zones; false = there is. */
const noZones = { skerry: false, envoy: envoy === null ? skip : noHosts } as const

for (const engine of ['skerry', 'envoy'] as const) {
  describe(`a service in two zones, called by ${engine}`, { skip: noZones[engine], timeout: 120_000 }, () => {
    let zones: TwoZones
    let web: TestedProxy
    let east: TestedProxy
    let eastStatus = 200

    before(async () => {
      zones = await startTwoZones()
      const service = {
        type: 'MeshMultiZoneService',
        mesh: 'default',
        name: 'orders',
        labels: { 'kuma.io/display-name': 'orders' },
        spec: {
          selector: { meshService: { matchLabels: { 'kuma.io/display-name': 'orders' } } },
          ports: [{ name: 'main', port: 80, appProtocol: 'http' }],
        },
      }
      await zones.global('/meshes/default/meshmultizoneservices/orders', service, 'PUT')
      const gateway = await zones.west.proxy('zone-gateway', engine, '--role', 'zone-gateway')
      const applications = {
        east: await zones.east.application((_request, response) => response.writeHead(eastStatus).end('east')),
        west: await zones.west.application((_request, response) => response.end('west')),
      }
      east = await zones.east.proxy('orders', engine, '--port', String(applications.east))
      const west = await zones.west.proxy('orders', engine, '--port', String(applications.west))
      web = await zones.east.proxy('web', engine, '--port', String(applications.east))
      await Promise.all([gateway, east, west, web].map(proxy => proxy.ready()))
    })
    after(() => zones?.[Symbol.asyncDispose]())

    const orders = () => ask(web.port('http-proxy'), { path: 'http://orders.mesh/', headers: { host: 'orders.mesh' } })
    const answered = (by: string) => until(`${by} answers`, async () => (await orders()).body === by)

    test('requests stay in the zone while it is well, a retry leaves it, and so do all when nobody is left', async () => {
      await answered('east')
      const bodies = await Promise.all(Array.from({ length: 20 }, async () => (await orders()).body))
      assert.deepEqual([...new Set(bodies)], ['east'])

      eastStatus = 503
      const http = {
        numRetries: 3,
        retryOn: ['5XX'],
        hostSelection: [{ predicate: 'OmitPreviousPriorities', updateFrequency: 1 }],
        backOff: { baseInterval: '5ms', maxInterval: '20ms' },
      }
      const spec = {
        to: [{ targetRef: { kind: 'MeshMultiZoneService', labels: { 'kuma.io/display-name': 'orders' } }, default: { http } }],
      }
      await zones.east.put('meshretries', 'MeshRetry', 'elsewhere', spec)
      await answered('west')
      await zones.east.remove('meshretries', 'elsewhere')
      eastStatus = 200
      await answered('east')

      await east.running.stop()
      await answered('west')
    })
  })
}

describe('calls of gRPC between the data planes', { skip, timeout: 120_000 }, () => {
  let mesh: EnvoyMesh
  let grpc: Awaited<ReturnType<typeof startGrpcEcho>>
  before(async () => {
    mesh = await EnvoyMesh.start()
    grpc = await startGrpcEcho()
  })
  after(async () => {
    await mesh?.stop()
    grpc?.stop()
  })

  for (const [from, to] of [
    ['skerry', 'envoy'],
    ['envoy', 'skerry'],
  ] as const) {
    test(`${from} to ${to}`, async () => {
      const echo = await mesh.proxy(`echo-${to}`, to, '--port', `${grpc.port}/grpc`)
      const web = await mesh.proxy(`web-${from}`, from, '--port', `${grpc.port}/grpc`, ...(await outboundsTo(`echo-${to}`)))
      await Promise.all([web, echo].map(proxy => proxy.ready()))
      const port = web.port(`outbound.echo-${to}`)

      await until('it is answered', async () => (await callUnary(port, 'hello')).code === 0)
      assert.deepEqual(await callUnary(port, 'hello'), { code: 0, message: 'hello', trailer: 'last word' })
      assert.equal((await callUnary(port, 'fail 9')).code, 9)
      assert.deepEqual(await chat(port, ['a', 'b']), ['re: a', 're: b'])
    })
  }
})
