import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromBinary } from '@bufbuild/protobuf'
import { anyUnpack } from '@bufbuild/protobuf/wkt'
import { ClusterSchema } from '../gen/envoy/config/cluster/v3/cluster_pb.js'
import { RouteConfigurationSchema } from '../gen/envoy/config/route/v3/route_pb.js'
import { UpstreamTlsContextSchema } from '../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js'
import type { ListenerPlan, RoutePlan } from '../policy/plan.ts'
import { brokenReferences } from './check-references.ts'
import { encodeCluster } from './cluster.ts'
import { envoyResources, typeUrls } from './resources.ts'
import { encodeRouteConfiguration } from './route.ts'
import { aForward, anInbound, anOutbound, aProxyPlan, aRetry, aRoute, aServiceCluster, aTls, aTrust, aVirtualHost } from './test-plans.ts'

const httpProxy: ListenerPlan = { kind: 'http-proxy', name: 'http_proxy', address: '127.0.0.1', port: 10_000 }

function routesOf(...routes: RoutePlan[]) {
  const bytes = encodeRouteConfiguration(anOutbound({ target: { protocol: 'http', virtualHost: aVirtualHost({ routes }) } }))
  return fromBinary(RouteConfigurationSchema, bytes!).virtualHosts[0]!.routes
}

function forwardOf(route: ReturnType<typeof routesOf>[number] | undefined) {
  assert(route?.action.case === 'route')
  return route.action.value
}

function tlsOf(bytes: Uint8Array) {
  const socket = fromBinary(ClusterSchema, bytes).transportSocket
  assert(socket?.configType.case === 'typedConfig')
  return anyUnpack(socket.configType.value, UpstreamTlsContextSchema)!
}

test('a plan becomes one resource for everything in it, named as the plan names it', () => {
  const plan = aProxyPlan({
    trust: [aTrust()],
    listeners: [anInbound(), anOutbound(), httpProxy],
    clusters: [aServiceCluster()],
    onDemand: [aVirtualHost({ name: 'orders.mesh', domains: ['orders.mesh'] })],
  })

  const names = envoyResources(plan, 'skerry').map(({ type, name }) => `${type.split('.').at(-1)} ${name}`)

  assert.deepEqual(names, [
    'Secret trust',
    'Cluster payments',
    'Listener self_inbound_dp_main',
    'Listener kri_msvc_default_aws-1__payments_main',
    'RouteConfiguration kri_msvc_default_aws-1__payments_main',
    'Listener http_proxy',
    'RouteConfiguration http_proxy',
    'VirtualHost http_proxy/orders.mesh',
  ])
})

test('equal plans give equal bytes, in whatever order their sets were found', () => {
  const [a, b] = [aTrust({ trustDomain: 'a.mesh.local' }), aTrust({ trustDomain: 'b.mesh.local' })]
  const chains = [
    { sni: 'sni.b', cluster: 'b' },
    { sni: 'sni.a', cluster: 'a' },
  ]
  const ids = ['spiffe://b/x', 'spiffe://a/x']
  const plan = (reverse: boolean) => {
    const ordered = <T>(list: T[]) => (reverse ? list.toReversed() : list)
    return aProxyPlan({
      trust: ordered([a, b]),
      listeners: [{ kind: 'zone-ingress', name: 'ingress', address: '0.0.0.0', port: 10_001, chains: ordered(chains) }],
      clusters: [aServiceCluster({ tls: aTls('x', ordered(ids)) })],
    })
  }

  assert.deepEqual(envoyResources(plan(true), 'skerry'), envoyResources(plan(false), 'skerry'))
})

test('a proxy that trusts nobody gets no secret', () => {
  assert.deepEqual(
    envoyResources(aProxyPlan(), 'skerry').filter(({ type }) => type === typeUrls.secret),
    [],
  )
})

test('a route is split where safe methods may be retried more', () => {
  const [safe, all, ...rest] = routesOf(aRoute())

  assert.equal(rest.length, 0)
  assert.equal(safe?.match?.headers[0]?.name, ':method')
  assert.equal(forwardOf(safe).retryPolicy?.retryOn, 'connect-failure,refused-stream,reset,retriable-headers')
  assert.deepEqual(all?.match?.headers, [])
  assert.equal(forwardOf(all).retryPolicy?.retryOn, 'connect-failure,refused-stream,retriable-headers')
})

test('a route is whole where all methods are retried alike', () => {
  const retry = aRetry({ on: ['connect-failure'], onUnsafe: ['connect-failure'] })

  assert.equal(routesOf(aRoute({ action: aForward({ retry }) })).length, 1)
  assert.equal(routesOf(aRoute({ action: aForward({ retry: aRetry({ attempts: 0 }) }) })).length, 1)
})

test('a route for one method has the retries of that method', () => {
  const retriesOf = (method: string) => {
    const [route, ...rest] = routesOf(aRoute({ match: { path: { type: 'PathPrefix', value: '/' }, method, headers: [], queryParams: [] } }))
    assert.equal(rest.length, 0)
    return forwardOf(route).retryPolicy?.retryOn
  }

  assert.match(retriesOf('GET')!, /\breset\b/)
  assert.doesNotMatch(retriesOf('POST')!, /\breset\b/)
})

test('a route without a time limit says so, for otherwise Envoy has one', () => {
  assert.deepEqual(forwardOf(routesOf(aRoute())[0]).timeout?.seconds, 0n)
})

test('a route whose backends are all gone answers 500', () => {
  const [route] = routesOf(aRoute({ action: aForward({ clusters: [{ cluster: 'payments', weight: 0 }] }) }))

  assert(route?.action.case === 'directResponse')
  assert.equal(route.action.value.status, 500)
})

test('a rewritten prefix keeps segments apart', () => {
  const rewrite = (matched: string, prefix: string) => {
    const match = { path: { type: 'PathPrefix' as const, value: matched }, headers: [], queryParams: [] }
    const { prefixRewrite, regexRewrite } = forwardOf(routesOf(aRoute({ match, action: aForward({ rewrite: { prefix } }) }))[0])
    return regexRewrite ? `${regexRewrite.pattern?.regex} -> ${regexRewrite.substitution}` : prefixRewrite
  }

  assert.equal(rewrite('/api', '/v1'), '/v1')
  assert.equal(rewrite('/api/', '/v1/'), '/v1')
  assert.equal(rewrite('/', '/v1'), '/v1/')
  assert.equal(rewrite('/api', '/'), '^/api/* -> /')
  assert.equal(rewrite('/', '/'), '')
})

test('a service that has no identity yet is not a service that may have any', () => {
  const tls = tlsOf(encodeCluster(aServiceCluster({ tls: aTls('x', []) })))

  assert(tls.commonTlsContext?.validationContextType.case === 'combinedValidationContext')
  const names = tls.commonTlsContext.validationContextType.value.defaultValidationContext?.matchTypedSubjectAltNames
  assert.deepEqual(
    names?.map(name => name.matcher?.matchPattern.value),
    ['spiffe://nobody.invalid/'],
  )
})

test('Envoy asks its agent for the certificate that our proxy has itself', () => {
  const sourceFor = (client: 'skerry' | 'envoy') =>
    tlsOf(encodeCluster(aServiceCluster(), client)).commonTlsContext?.tlsCertificateSdsSecretConfigs[0]?.sdsConfig?.configSourceSpecifier
      .case

  assert.equal(sourceFor('skerry'), undefined)
  assert.equal(sourceFor('envoy'), 'apiConfigSource')
})

test('a plan whose parts do not fit together is found out', () => {
  assert.deepEqual(brokenReferences(aProxyPlan({ listeners: [anOutbound()], clusters: [aServiceCluster({ tls: null })] })), [])
  assert.deepEqual(brokenReferences(aProxyPlan({ listeners: [anOutbound(), anOutbound(), anInbound()] })), [
    'listener kri_msvc_default_aws-1__payments_main is there twice',
    'address 127.0.0.1:10001 is there twice',
    'listener kri_msvc_default_aws-1__payments_main: route default names the cluster payments, which is not there',
    'listener kri_msvc_default_aws-1__payments_main: route default names the cluster payments, which is not there',
    'listener self_inbound_dp_main names the cluster self_inbound_dp_main, which is not there',
    'listener self_inbound_dp_main needs mTLS, and the plan trusts nobody',
  ])
})
