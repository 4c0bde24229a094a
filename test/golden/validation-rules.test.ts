import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import { envoyBootstrap } from '../../src/envoy/bootstrap.ts'
import { encodeEndpoints } from '../../src/envoy/endpoint.ts'
import { grpcEndpoints } from '../../src/envoy/grpc/endpoints.ts'
import { serverListenerTemplate } from '../../src/envoy/grpc/names.ts'
import { grpcResources } from '../../src/envoy/grpc/resources.ts'
import { kumaDpBootstrap } from '../../src/envoy/kuma-dp-bootstrap.ts'
import { typedConfig } from '../../src/envoy/messages.ts'
import { typeUrls } from '../../src/envoy/resources.ts'
import { ClusterSchema } from '../../src/gen/envoy/config/cluster/v3/cluster_pb.js'
import { ListenerSchema } from '../../src/gen/envoy/config/listener/v3/listener_pb.js'
import { RouteConfigurationSchema } from '../../src/gen/envoy/config/route/v3/route_pb.js'
import { TcpProxySchema } from '../../src/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js'
import { planEndpoints } from '../../src/policy/endpoints.ts'
import { resolveName } from '../../src/policy/host.ts'
import { planProxy } from '../../src/policy/plan-proxy.ts'
import { resourcesOf, scenarios, worldOf } from './scenario.ts'
import { ValidationRules } from './validation-rules.ts'

const rules = ValidationRules.read()
const bootstrap = 'envoy.config.bootstrap.v3.Bootstrap'

test('what breaks a rule is found, wherever it is', () => {
  const cluster = toBinary(ClusterSchema, create(ClusterSchema, { name: '', connectTimeout: { seconds: 0n, nanos: 0 } }))
  const routes = toBinary(
    RouteConfigurationSchema,
    create(RouteConfigurationSchema, { name: 'r', virtualHosts: [{ name: 'h', domains: [] }] }),
  )
  const configType = typedConfig(TcpProxySchema, { statPrefix: '' })
  const listener = toBinary(
    ListenerSchema,
    create(ListenerSchema, {
      name: 'l',
      address: { address: { case: 'socketAddress', value: { address: '127.0.0.1', portSpecifier: { case: 'portValue', value: 70_000 } } } },
      filterChains: [{ filters: [{ name: 'tcp', configType }] }],
    }),
  )

  assert.deepEqual(rules.check(typeUrls.cluster, cluster), ['Cluster.name: string.min_len', 'Cluster.connect_timeout: duration.gt'])
  assert.deepEqual(rules.check(typeUrls.routes, routes), ['RouteConfiguration.virtual_hosts[0].domains: repeated.min_items'])
  assert.deepEqual(rules.check(typeUrls.listener, listener), [
    'Listener.address.socket_address.port_value: uint32.lte',
    'Listener.filter_chains[0].filters[0].typed_config<TcpProxy>.cluster_specifier: required',
    'Listener.filter_chains[0].filters[0].typed_config<TcpProxy>.stat_prefix: string.min_len',
  ])
})

for (const scenario of scenarios()) {
  test(`what every kind of client is told in ${scenario.name} keeps Envoy's own rules`, () => {
    const found: string[] = []
    for (const client of ['envoy', 'skerry'] as const)
      for (const { type, name, bytes } of resourcesOf(scenario, client))
        found.push(...rules.check(type, bytes).map(violation => `${client} ${name}: ${violation}`))
    for (const { type, name, bytes } of toldToGrpc(scenario))
      found.push(...rules.check(type, bytes).map(violation => `grpc ${name}: ${violation}`))

    assert.deepEqual(found, [])
  })
}

test('and so does what an Envoy is started with', () => {
  const ours = envoyBootstrap({
    nodeId: 'default.web-1',
    service: 'web',
    instanceId: 'i',
    agentSocket: '/run/agent.sock',
    adminSocket: '/run/admin.sock',
  })
  const kuma = kumaDpBootstrap({
    mesh: 'default',
    name: 'web-1',
    service: 'web',
    zone: { host: 'zone.example', port: 5678 },
    serverName: 'skerry-cp',
    caPem: 'pem',
    token: 't',
    dataplane: '{}',
    kumaDpVersion: '3.0.0',
    workDirectory: '/run',
  })

  assert.deepEqual([...rules.checkJson(bootstrap, ours), ...rules.checkJson(bootstrap, kuma)], [])
})

/** As an application would be told that calls every service of the scenario by its name, and serves on each of its ports. */
function toldToGrpc(scenario: Parameters<typeof worldOf>[0]) {
  const { view } = worldOf(scenario)
  const dataplane = view.get('Dataplane', scenario.proxy)!
  const called = [...view.services.values()].map(({ displayName }) => displayName)
  const servers = (dataplane.spec.networking.inbound ?? []).map(({ port }) => serverListenerTemplate.replace('%s', `0.0.0.0:${port}`))
  const plan = planProxy(view, dataplane, new Set(called), resolveName)
  const endpoints = plan.clusters.flatMap(cluster =>
    cluster.kind === 'service'
      ? [
          {
            type: typeUrls.endpoints,
            name: cluster.name,
            bytes: encodeEndpoints(cluster.name, grpcEndpoints(planEndpoints(view, cluster.endpoints, () => 'ready'))),
          },
        ]
      : [],
  )
  return [...grpcResources(plan, new Set([...called, ...servers])), ...endpoints]
}
