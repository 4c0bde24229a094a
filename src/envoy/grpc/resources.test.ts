import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromBinary } from '@bufbuild/protobuf'
import { anyUnpack } from '@bufbuild/protobuf/wkt'
import { ClusterSchema, Cluster_LbPolicy as LbPolicy } from '../../gen/envoy/config/cluster/v3/cluster_pb.js'
import { ListenerSchema } from '../../gen/envoy/config/listener/v3/listener_pb.js'
import { RouteConfigurationSchema } from '../../gen/envoy/config/route/v3/route_pb.js'
import { HttpConnectionManagerSchema } from '../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
import { DownstreamTlsContextSchema, UpstreamTlsContextSchema } from '../../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js'
import type { EndpointSet, RoutePlan, VirtualHostPlan } from '../../policy/plan.ts'
import { typeUrls } from '../resources.ts'
import { aForward, anInbound, aProxyPlan, aRoute, aServiceCluster, aVirtualHost } from '../test-plans.ts'
import { grpcEndpoints } from './endpoints.ts'
import { calledNames, serverAddress, serverListenerTemplate } from './names.ts'
import { grpcResources } from './resources.ts'

const serverName = serverListenerTemplate.replace('%s', '0.0.0.0:15001')

function told(host: VirtualHostPlan) {
  const plan = aProxyPlan({ onDemand: [host] })
  const routes = grpcResources(plan, [host.name]).find(({ type }) => type === typeUrls.routes)!
  return fromBinary(RouteConfigurationSchema, routes.bytes).virtualHosts[0]!.routes
}

const withRoutes = (...routes: RoutePlan[]) => told(aVirtualHost({ name: 'orders', routes }))

test('an application gets what it asks for by name, and nothing else', () => {
  const plan = aProxyPlan({
    onDemand: [aVirtualHost({ name: 'orders' }), aVirtualHost({ name: 'web' })],
    listeners: [anInbound({ port: 15_001 })],
  })

  const names = (asked: string[]) => grpcResources(plan, asked).map(({ type, name }) => `${type.split('.').at(-1)} ${name}`)

  assert.deepEqual(names(['orders']), ['Listener orders', 'RouteConfiguration orders'])
  assert.deepEqual(names([serverName]), [`Listener ${serverName}`])
  assert.deepEqual(names(['nobody', serverListenerTemplate.replace('%s', '0.0.0.0:1')]), [])
  assert.deepEqual([...calledNames(['orders', serverName])], ['orders'])
})

test('the address of a server is what it asks with', () => {
  assert.deepEqual(serverAddress(serverListenerTemplate.replace('%s', '[::1]:443')), { address: '::1', port: 443 })
  assert.deepEqual(serverAddress(serverName), { address: '0.0.0.0', port: 15_001 })
  assert.equal(serverAddress('orders:443'), null)
})

test('a client believes exactly the identities of a service, in the words that gRPC heeds; nobody, where there are none', () => {
  const identities = (allowedIds: string[]) => {
    const tls = { sni: 'sni', allowedIds, versions: { min: null, max: null, ciphers: [] } }
    const { bytes } = grpcResources(aProxyPlan({ clusters: [aServiceCluster({ tls })] }), [])[0]!
    const { transportSocket } = fromBinary(ClusterSchema, bytes)
    const context = anyUnpack(transportSocket!.configType.value as never, UpstreamTlsContextSchema)!
    const { validationContextType: validation } = context.commonTlsContext!
    assert(validation.case === 'validationContext')
    assert.deepEqual(validation.value.matchTypedSubjectAltNames, [])
    return validation.value.matchSubjectAltNames.map(({ matchPattern }) => matchPattern.value)
  }

  assert.deepEqual(identities(['spiffe://b/x', 'spiffe://a/x']), ['spiffe://a/x', 'spiffe://b/x'])
  assert.deepEqual(identities([]), ['spiffe://nobody.invalid/'])
})

test('a server asks for a certificate, and enforces who may enter, by filters that are not optional and have names of their own', () => {
  const permissions = { deny: [{ type: 'Exact' as const, value: 'spiffe://a/b' }], allow: [{ type: 'Any' as const }], origins: [] }
  const plan = aProxyPlan({ listeners: [anInbound({ port: 15_001, permissions })] })

  const { address, filterChains } = fromBinary(ListenerSchema, grpcResources(plan, [serverName])[0]!.bytes)
  const [{ filters, transportSocket }] = filterChains as [(typeof filterChains)[number]]
  const manager = anyUnpack(filters[0]!.configType.value as never, HttpConnectionManagerSchema)!
  const tls = anyUnpack(transportSocket!.configType.value as never, DownstreamTlsContextSchema)!

  assert.equal((address!.address.value as { address: string }).address, '0.0.0.0')
  assert.deepEqual(
    manager.httpFilters.map(({ name, isOptional }) => `${name} ${isOptional}`),
    ['envoy.filters.http.rbac.0 false', 'envoy.filters.http.rbac.1 false', 'envoy.filters.http.router false'],
  )
  assert.equal(tls.requireClientCertificate, true)
})

test('routes say what gRPC can match and do; a call is never sent where a route does not lead', () => {
  const match = (over: Partial<RoutePlan['match']>) => ({
    path: { type: 'PathPrefix' as const, value: '/' },
    headers: [],
    queryParams: [],
    ...over,
  })
  const routes = withRoutes(
    aRoute({ match: match({ method: 'GET' }) }),
    aRoute({ match: match({ queryParams: [{ name: 'a', type: 'Exact', value: 'b' }] }) }),
    aRoute({
      match: match({ path: { type: 'PathPrefix', value: '/shop.v1+' } }),
      action: { kind: 'redirect', host: 'else.where', status: 302 },
    }),
    aRoute({
      match: match({ method: 'POST', path: { type: 'Exact', value: '/a/B' } }),
      action: { kind: 'respond', status: 403, body: 'no' },
    }),
    aRoute({ action: aForward({ clusters: [] }) }),
  )

  assert.deepEqual(
    routes.map(({ match, action }) => [match!.pathSpecifier.case, action.case]),
    [
      ['safeRegex', 'nonForwardingAction'],
      ['path', 'nonForwardingAction'],
      ['prefix', 'nonForwardingAction'],
    ],
  )
  const { value } = routes[0]!.match!.pathSpecifier as { value: { regex: string } }
  assert.match('/shop.v1+/Orders/Get', new RegExp(`^(?:${value.regex})$`))
  assert.doesNotMatch('/shop.v1+x/Orders/Get', new RegExp(`^(?:${value.regex})$`))
})

test('the shorter of the limits of a request is the deadline, and only statuses are retried on', () => {
  const forward = aForward({ clusters: [{ cluster: 'c', weight: 1 }] })
  assert(forward.kind === 'forward')
  const action = {
    ...forward,
    timeouts: { ...forward.timeouts, totalMs: 3000, maxStreamMs: 1500 },
    retry: { ...forward.retry, attempts: 2, on: ['connect-failure', 'unavailable', '503'] },
  }

  const [route] = withRoutes(aRoute({ action }))

  assert(route!.action.case === 'route')
  assert.deepEqual(
    [route!.action.value.maxStreamDuration?.maxStreamDuration?.seconds, route!.action.value.maxStreamDuration?.maxStreamDuration?.nanos],
    [1n, 500_000_000],
  )
  assert.equal(route!.action.value.retryPolicy?.retryOn, 'unavailable')
  const [unretried] = withRoutes(aRoute({ action: { ...action, retry: { ...action.retry, on: ['reset'] } } }))
  assert(unretried!.action.case === 'route' && unretried!.action.value.retryPolicy === undefined)
})

test('a balancer that gRPC does not know becomes round robin, and a ring is never larger than it takes', () => {
  const balancer = (plan: Parameters<typeof aServiceCluster>[0]) => {
    const { bytes } = grpcResources(aProxyPlan({ clusters: [aServiceCluster(plan)] }), [])[0]!
    return fromBinary(ClusterSchema, bytes)
  }

  assert.equal(balancer({ balancer: { type: 'Random' } }).lbPolicy, LbPolicy.ROUND_ROBIN)
  const ring = balancer({ balancer: { type: 'RingHash', hashFunction: 'MurmurHash2', minRingSize: 10, maxRingSize: 99_999_999 } })
  assert.equal(ring.lbPolicy, LbPolicy.RING_HASH)
  assert.equal((ring.lbConfig.value as { maximumRingSize: bigint }).maximumRingSize, 8_388_608n)
})

test('endpoints are addresses, each once, in localities and priorities without gaps; a list that is in order stays the same object', () => {
  const endpoint = (address: string, port = 1) => ({ address, port, weight: 1, state: 'healthy' as const, name: address })
  const group = (priority: number, zone: string, ...addresses: string[]) => ({
    priority,
    zone,
    subZone: '',
    weight: 1,
    endpoints: addresses.map(address => endpoint(address)),
  })
  const set = (...groups: EndpointSet['groups']): EndpointSet => ({ key: 'k', overprovisioning: 140, groups })
  const good = set(group(0, 'a', '10.0.0.1'), group(1, 'b', '10.0.0.2'))
  const bad = set(
    group(0, 'a', 'by-name'),
    group(1, 'b', '10.0.0.2', '10.0.0.2'),
    group(1, 'b', '10.0.0.3'),
    group(2, 'c', '10.0.0.2', '::1'),
  )

  assert.equal(grpcEndpoints(good), good)
  assert.deepEqual(
    grpcEndpoints(bad).groups.map(({ priority, zone, endpoints }) => [priority, zone, endpoints.map(({ address }) => address)]),
    [
      [0, 'b', ['10.0.0.2', '10.0.0.3']],
      [1, 'c', ['::1']],
    ],
  )
})
