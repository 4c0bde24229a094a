import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeCluster } from '../../src/envoy/cluster.ts'
import { encodeEndpoints } from '../../src/envoy/endpoint.ts'
import { encodeListener, nowhere } from '../../src/envoy/listener.ts'
import { encodeRouteConfiguration, encodeVirtualHost } from '../../src/envoy/route.ts'
import { encodeTrust } from '../../src/envoy/secret.ts'
import {
  aForward,
  aGateway,
  anApplication,
  anEndpoint,
  anEndpointGroup,
  anEndpointSet,
  anInbound,
  anOutbound,
  aRetry,
  aRoute,
  aServiceCluster,
  aTcpTarget,
  aTrust,
  aVirtualHost,
  testCaPem,
} from '../../src/envoy/test-plans.ts'
import type { ListenerPlan, RoutePlan } from '../../src/policy/plan.ts'
import { compileCluster } from '../../src/proxy/compile/cluster.ts'
import type { Compiled } from '../../src/proxy/compile/compiled.ts'
import { compileEndpoints } from '../../src/proxy/compile/endpoint.ts'
import { compileListener } from '../../src/proxy/compile/listener.ts'
import { assembleRoutes, compileRoutes, compileVirtualHost } from '../../src/proxy/compile/route.ts'
import { compileTrust } from '../../src/proxy/compile/secret.ts'
import type { Action, Route } from '../../src/proxy/compile/table.ts'

function accepted<T>(compiled: Compiled<T>): T {
  assert.equal(compiled.kind, 'accepted', compiled.kind === 'rejected' ? compiled.reasons.join('\n') : '')
  return (compiled as { value: T }).value
}

const listenerOf = (plan: ListenerPlan) => accepted(compileListener(encodeListener(plan)))

function routesOf(...routes: RoutePlan[]): readonly Route[] {
  const bytes = encodeRouteConfiguration(anOutbound({ target: { protocol: 'http', virtualHost: aVirtualHost({ routes }) } }))
  return accepted(compileRoutes(bytes!)).hosts[0]!.host.routes
}

function forwardOf(route: Route | undefined): Extract<Action, { kind: 'forward' }> {
  assert(route?.action.kind === 'forward')
  return route.action
}

test('an inbound listener asks every peer for its identity and lets in whom the plan names', () => {
  const listener = listenerOf(
    anInbound({
      permissions: {
        deny: [{ type: 'Exact', value: 'spiffe://a/evil' }],
        allow: [{ type: 'Prefix', value: 'spiffe://a/' }, { type: 'Any' }],
        origins: [],
      },
    }),
  )

  assert.deepEqual(listener.accept, { kind: 'mtls', alpn: ['h2', 'http/1.1'] })
  assert.equal(`${listener.address}:${listener.port}`, '127.0.0.1:15001')
  assert(listener.handler.kind === 'http' && listener.handler.routes.kind === 'inline')
  assert.deepEqual(listener.handler.permissions, {
    deny: [{ type: 'exact', value: 'spiffe://a/evil' }],
    allow: [{ type: 'prefix', value: 'spiffe://a/' }, { type: 'any' }],
  })
  const { any } = listener.handler.routes.table
  assert.deepEqual(any?.responseHeaders.remove, ['x-skerry-refused'])
  assert.deepEqual(forwardOf(any?.routes[0]), {
    kind: 'forward',
    clusters: [{ cluster: 'self_inbound_dp_main', weight: 1 }],
    timeoutMs: null,
    retry: null,
    rewrite: null,
  })
})

test('an inbound TCP listener has the same door', () => {
  const { accept, handler } = listenerOf(anInbound({ protocol: 'tcp', permissions: { deny: [], allow: [], origins: [] } }))

  assert.equal(accept.kind, 'mtls')
  assert.deepEqual(handler, {
    kind: 'tcp',
    permissions: { deny: [], allow: [] },
    clusters: [{ cluster: 'self_inbound_dp_main', weight: 1 }],
  })
})

test('outbound, gateway and HTTP proxy listeners are open and take their routes by name', () => {
  const gateway = aGateway()
  for (const plan of [anOutbound(), gateway, { kind: 'http-proxy', name: 'http_proxy', address: '127.0.0.1', port: 10_000 } as const]) {
    const { accept, handler } = listenerOf(plan)

    assert.equal(accept.kind, 'plain')
    assert.deepEqual(handler, { kind: 'http', permissions: null, routes: { kind: 'rds', name: plan.name } })
  }
})

test('a TCP outbound splits by weight, and one without a target goes nowhere', () => {
  const clusters = [
    { cluster: 'a', weight: 9 },
    { cluster: 'b', weight: 1 },
    { cluster: 'off', weight: 0 },
  ]

  const split = listenerOf(anOutbound({ target: aTcpTarget(clusters) })).handler
  const none = listenerOf(anOutbound({ target: aTcpTarget([]) })).handler

  assert.deepEqual(split, { kind: 'tcp', permissions: null, clusters: clusters.slice(0, 2) })
  assert.deepEqual(none, { kind: 'tcp', permissions: null, clusters: [{ cluster: nowhere, weight: 1 }] })
})

test('a zone gateway chooses by SNI and listens even while it has nothing to offer', () => {
  const ingress = (chains: { sni: string; cluster: string }[]) =>
    listenerOf({ kind: 'zone-ingress', name: 'ingress', address: '0.0.0.0', port: 10_001, chains })

  const full = ingress([{ sni: 'sni.msvc.default.aws-1.payments.main', cluster: 'ingress_payments' }])
  const empty = ingress([])

  assert.deepEqual(full.accept, { kind: 'sni' })
  assert(full.handler.kind === 'sni' && empty.handler.kind === 'sni')
  assert.deepEqual([...full.handler.chains], [['sni.msvc.default.aws-1.payments.main', [{ cluster: 'ingress_payments', weight: 1 }]]])
  assert.equal([...empty.handler.chains.keys()][0], `${nowhere}.invalid`)
})

test('safe methods are retried more than others', () => {
  const [safe, all] = routesOf(aRoute())

  assert.deepEqual(safe?.methods, new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']))
  assert.deepEqual(forwardOf(safe).retry, {
    attempts: 3,
    connectFailure: true,
    refused: true,
    reset: true,
    gatewayError: false,
    serverError: false,
    statuses: new Set(),
    grpcStatuses: new Set(),
    perTryTimeoutMs: null,
    backOffBaseMs: 25,
    backOffMaxMs: 250,
  })
  assert.equal(all?.methods, null)
  assert.equal(forwardOf(all).retry?.reset, false)
  assert.equal(forwardOf(all).retry?.refused, true)
})

test('statuses among the reasons to retry become statuses', () => {
  const [route] = routesOf(
    aRoute({ action: aForward({ retry: aRetry({ on: ['5xx', '429'], onUnsafe: ['5xx', '429'], perTryTimeoutMs: 1500 }) }) }),
  )

  const { retry } = forwardOf(route)

  assert.deepEqual(retry?.statuses, new Set([429]))
  assert.equal(retry?.serverError, true)
  assert.equal(retry?.perTryTimeoutMs, 1500)
})

test('a route matches by path, method, headers and query as the plan says', () => {
  const [route] = routesOf(
    aRoute({
      match: {
        path: { type: 'PathPrefix', value: '/api/' },
        method: 'POST',
        headers: [
          { name: 'X-Tenant', type: 'Exact', value: 'a' },
          { name: 'x-old', type: 'Absent', value: '' },
          { name: 'x-new', type: 'Present', value: '' },
          { name: 'x-p', type: 'Prefix', value: 'v' },
          { name: 'x-r', type: 'RegularExpression', value: 'a|b' },
        ],
        queryParams: [
          { name: 'q', type: 'Exact', value: '1' },
          { name: 'r', type: 'RegularExpression', value: '\\d+' },
        ],
      },
    }),
  )

  assert.deepEqual(route?.path, { kind: 'prefix', value: '/api' })
  assert.deepEqual(route?.methods, new Set(['POST']))
  assert.deepEqual(route?.headers, [
    { name: 'x-tenant', kind: 'exact', value: 'a', invert: false },
    { name: 'x-old', kind: 'absent', value: '', invert: false },
    { name: 'x-new', kind: 'present', value: '', invert: false },
    { name: 'x-p', kind: 'prefix', value: 'v', invert: false },
    { name: 'x-r', kind: 'regex', value: /^(?:a|b)$/, invert: false },
  ])
  assert.deepEqual(route?.query, [
    { name: 'q', kind: 'exact', value: '1' },
    { name: 'r', kind: 'regex', value: /^(?:\d+)$/ },
  ])
})

test('exact paths and regular expressions stay what they are', () => {
  const pathOf = (path: RoutePlan['match']['path']) => routesOf(aRoute({ match: { path, headers: [], queryParams: [] } }))[0]?.path

  assert.deepEqual(pathOf({ type: 'Exact', value: '/a' }), { kind: 'exact', value: '/a' })
  assert.deepEqual(pathOf({ type: 'PathPrefix', value: '/' }), { kind: 'prefix', value: '/' })
  assert.deepEqual(pathOf({ type: 'RegularExpression', value: '/a/[0-9]+' }), { kind: 'regex', value: /^(?:\/a\/[0-9]+)$/ })
})

test('rewrites come back as the plan meant them', () => {
  const rewritten = (matched: string, rewrite: { prefix?: string; fullPath?: string; host?: string }) => {
    const match = { path: { type: 'PathPrefix' as const, value: matched }, headers: [], queryParams: [] }
    return forwardOf(routesOf(aRoute({ match, action: aForward({ rewrite }) }))[0]).rewrite
  }

  assert.deepEqual(rewritten('/api', { prefix: '/v1' }), { prefix: '/v1' })
  assert.deepEqual(rewritten('/', { prefix: '/v1' }), { prefix: '/v1' })
  assert.deepEqual(rewritten('/a.b', { prefix: '/' }), { prefix: '/' })
  assert.deepEqual(rewritten('/', { prefix: '/' }), null)
  assert.deepEqual(rewritten('/api', { fullPath: '/x\\1', host: 'b.example' }), { host: 'b.example', fullPath: '/x\\1' })
})

test('headers keep their per cent signs', () => {
  const requestHeaders = { set: [{ name: 'x-a', value: '100%' }], add: [{ name: 'x-b', value: '%REQ(x)%' }], remove: ['X-C'] }

  const [route] = routesOf(aRoute({ requestHeaders }))

  assert.deepEqual(route?.requestHeaders, { ...requestHeaders, remove: ['x-c'] })
})

test('redirects and fixed answers come back whole', () => {
  const redirect = { kind: 'redirect', scheme: 'https', host: 'b.example', port: 8443, path: '/new', status: 308 } as const
  const [first, second] = routesOf(aRoute({ action: redirect }), aRoute({ action: { kind: 'respond', status: 404, body: 'no' } }))

  assert.deepEqual(first?.action, redirect)
  assert(second?.action.kind === 'respond')
  assert.equal(second.action.status, 404)
  assert.equal(Buffer.from(second.action.body).toString(), 'no')
})

test('hosts are found exactly, then by their longest suffix, then by the star', () => {
  const hosts = [
    aVirtualHost({ name: 'short', domains: ['*.example.com'] }),
    aVirtualHost({ name: 'long', domains: ['*.shop.example.com'] }),
    aVirtualHost({ name: 'exact', domains: ['Shop.example.com'] }),
    aVirtualHost({ name: 'any', domains: ['*'] }),
  ]
  const bytes = encodeRouteConfiguration(aGateway({ virtualHosts: hosts }))

  const compiled = accepted(compileRoutes(bytes!))
  const table = assembleRoutes(compiled.name, compiled.hosts, compiled.onDemand)

  assert.equal(table.exact.get('shop.example.com')?.name, 'exact')
  assert.deepEqual(
    table.suffixes.map(({ suffix, host }) => [suffix, host.name]),
    [
      ['.shop.example.com', 'long'],
      ['.example.com', 'short'],
    ],
  )
  assert.equal(table.any?.name, 'any')
  assert.equal(table.onDemand, false)
})

test('a host that was asked for joins the table of the HTTP proxy', () => {
  const base = accepted(compileRoutes(encodeRouteConfiguration({ kind: 'http-proxy', name: 'http_proxy', address: '127.0.0.1', port: 1 })!))
  const host = accepted(
    compileVirtualHost(encodeVirtualHost('http_proxy', aVirtualHost({ name: 'orders.mesh', domains: ['orders.mesh'] }))),
  )

  const table = assembleRoutes(base.name, [...base.hosts, host], base.onDemand)

  assert.equal(table.onDemand, true)
  assert.equal(table.exact.get('orders.mesh')?.name, 'http_proxy/orders.mesh')
})

test('a service cluster comes back with all its limits', () => {
  const plan = aServiceCluster({ balancer: { type: 'LeastRequest', choiceCount: 3, activeRequestBias: null }, panicPercent: 30 })

  const { table, hosts } = accepted(compileCluster(encodeCluster(plan)))
  const { splitsLocal: _split, successRate: _rate, failurePercentage: _percentage, ...outlier } = plan.outlier

  assert.deepEqual(table, {
    name: 'payments',
    connectTimeoutMs: 2000,
    idleTimeoutMs: 3_600_000,
    http2: false,
    tls: {
      sni: 'sni.msvc.default.aws-1.payments.main',
      allowedIds: new Set(['spiffe://default.aws-1.mesh.local/workload/payments']),
      alpn: ['http/1.1'],
    },
    balancer: { kind: 'least-request', choices: 3 },
    slowStartMs: 10_000,
    panicPercent: 30,
    outlier,
    limits: { maxConnections: 1024, maxPending: 1024, maxRequests: 4096, maxRetries: 128 },
  })
  assert.deepEqual(hosts, { kind: 'eds', resource: 'payments', localityWeighted: true })
})

test('a cluster that passes bytes through and ejects nobody has neither TLS nor ejection', () => {
  const outlier = { ...aServiceCluster().outlier, consecutiveLocal: 0, consecutiveGateway: 0 }

  const { table } = accepted(compileCluster(encodeCluster(aServiceCluster({ tls: null, outlier }))))

  assert.equal(table.tls, null)
  assert.equal(table.outlier, null)
})

test('the cluster of the application has its one host in it', () => {
  const { table, hosts } = accepted(compileCluster(encodeCluster(anApplication(8080))))

  assert.equal(table.outlier, null)
  assert(hosts.kind === 'static')
  assert.deepEqual(hosts.endpoints.priorities, [
    [{ address: '127.0.0.1', port: 8080, zone: '', weight: 1, state: 'healthy', name: '127.0.0.1:8080' }],
  ])
})

test('endpoints come back by priority with zone, state, weight and name', () => {
  const set = anEndpointSet({
    overprovisioning: 200,
    groups: [
      anEndpointGroup({ endpoints: [anEndpoint(), anEndpoint({ name: 'payments-2', state: 'draining', weight: 3 })] }),
      anEndpointGroup({ priority: 1, zone: 'azure-1', endpoints: [anEndpoint({ name: 'zone azure-1', state: 'unhealthy' })] }),
    ],
  })

  const table = accepted(compileEndpoints(encodeEndpoints('payments', set), { cluster: 'payments', localityWeighted: true }))

  const host = { address: '10.0.0.1', port: 15_001, zone: 'aws-1', weight: 1, state: 'healthy', name: 'payments-1' }
  assert.deepEqual(table, {
    cluster: 'payments',
    overprovisioning: 2,
    priorities: [
      [host, { ...host, name: 'payments-2', state: 'draining', weight: 3 }],
      [{ ...host, name: 'zone azure-1', zone: 'azure-1', state: 'unhealthy' }],
    ],
  })
})

test('zones in one priority share it by their weights, whatever their numbers of hosts', () => {
  const set = anEndpointSet({
    groups: [
      anEndpointGroup({ weight: 30, endpoints: [anEndpoint({ weight: 1 }), anEndpoint({ weight: 2 })] }),
      anEndpointGroup({ weight: 10, zone: 'azure-1', endpoints: [anEndpoint()] }),
    ],
  })
  const weights = (localityWeighted: boolean) =>
    accepted(compileEndpoints(encodeEndpoints('payments', set), { cluster: 'payments', localityWeighted })).priorities[0]?.map(
      host => host.weight,
    )

  assert.deepEqual(weights(true), [10, 20, 10])
  assert.deepEqual(weights(false), [1, 2, 1])
})

test('a service without an endpoint is a table without hosts', () => {
  const bytes = encodeEndpoints('payments', anEndpointSet({ groups: [] }))

  assert.deepEqual(accepted(compileEndpoints(bytes, { cluster: 'payments', localityWeighted: true })).priorities, [])
})

test('bundles come back under their trust domains', () => {
  const trust = accepted(
    compileTrust(encodeTrust([aTrust({ trustDomain: 'Default.aws-1.mesh.local', bundles: [testCaPem, testCaPem] }), aTrust()])),
  )

  assert.deepEqual([...trust.keys()].sort(), ['default.aws-1.mesh.local', 'default.azure-1.mesh.local'])
  assert.deepEqual(
    trust.get('default.azure-1.mesh.local')?.map(pem => pem.trim()),
    [testCaPem.trim()],
  )
  assert.equal(trust.get('default.aws-1.mesh.local')?.length, 2)
})
