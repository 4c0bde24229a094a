import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, type Message, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { anyPack } from '@bufbuild/protobuf/wkt'
import { Cluster_DiscoveryType, Cluster_LbPolicy, ClusterSchema } from '../../gen/envoy/config/cluster/v3/cluster_pb.js'
import { HeaderValueOption_HeaderAppendAction } from '../../gen/envoy/config/core/v3/base_pb.js'
import { ListenerSchema } from '../../gen/envoy/config/listener/v3/listener_pb.js'
import type { RouteSchema } from '../../gen/envoy/config/route/v3/route_components_pb.js'
import { RouteConfigurationSchema } from '../../gen/envoy/config/route/v3/route_pb.js'
import { RouterSchema } from '../../gen/envoy/extensions/filters/http/router/v3/router_pb.js'
import {
  HttpConnectionManager_CodecType,
  HttpConnectionManagerSchema,
} from '../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
import { UpstreamTlsContextSchema } from '../../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js'
import { bytesField } from '../../std/wire.ts'
import { compileCluster } from './cluster.ts'
import type { Compiled } from './compiled.ts'
import { compileListener } from './listener.ts'
import { compileRoutes } from './route.ts'

function reasonsOf(compiled: Compiled<unknown>): readonly string[] {
  assert(compiled.kind === 'rejected')
  return compiled.reasons
}

const cluster = (init: Exclude<MessageInitShape<typeof ClusterSchema>, Message>) =>
  compileCluster(
    toBinary(
      ClusterSchema,
      create(ClusterSchema, {
        name: 'a',
        clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
        edsClusterConfig: { edsConfig: ads },
        ...init,
      }),
    ),
  )

const ads = { configSourceSpecifier: { case: 'ads' as const, value: {} } }

function routes(route: Exclude<MessageInitShape<typeof RouteSchema>, Message>, domains = ['*']) {
  const config = create(RouteConfigurationSchema, {
    name: 'r',
    virtualHosts: [
      {
        name: 'v',
        domains,
        routes: [
          {
            match: { pathSpecifier: { case: 'prefix', value: '/' } },
            action: { case: 'route', value: { clusterSpecifier: { case: 'cluster', value: 'a' } } },
            ...route,
          },
        ],
      },
    ],
  })
  return compileRoutes(toBinary(RouteConfigurationSchema, config))
}

test('a field that nobody here reads is a reason to reject, with its place', () => {
  assert.deepEqual(reasonsOf(cluster({ respectDnsTtl: true, healthChecks: [{}] })), [
    'health_checks is not supported by this proxy',
    'respect_dns_ttl is not supported by this proxy',
  ])
  assert.deepEqual(
    reasonsOf(
      routes({
        action: { case: 'route', value: { clusterSpecifier: { case: 'cluster', value: 'a' }, requestMirrorPolicies: [{ cluster: 'b' }] } },
      }),
    ),
    ['virtual_hosts[0].routes[0].route.request_mirror_policies is not supported by this proxy'],
  )
})

test('a field inside an extension is found as well', () => {
  const context = anyPack(UpstreamTlsContextSchema, create(UpstreamTlsContextSchema, { allowRenegotiation: true }))
  const reasons = reasonsOf(cluster({ transportSocket: { name: 'tls', configType: { case: 'typedConfig', value: context } } }))

  assert.deepEqual(reasons, ['transport_socket.typed_config.allow_renegotiation is not supported by this proxy'])
})

test('an extension that this proxy does not have is rejected by its type', () => {
  const reasons = reasonsOf(
    cluster({
      transportSocket: {
        name: 'raw',
        configType: { case: 'typedConfig', value: { typeUrl: 'type.googleapis.com/envoy.Raw', value: new Uint8Array() } },
      },
    }),
  )

  assert.deepEqual(reasons, ['transport_socket.typed_config: type.googleapis.com/envoy.Raw is not supported by this proxy'])
})

test('a field that is newer than this proxy is rejected by its number', () => {
  const bytes = Buffer.concat([toBinary(ClusterSchema, create(ClusterSchema, { name: 'a' })), bytesField(1999, Buffer.from('x'))])

  assert.match(reasonsOf(compileCluster(bytes))[0]!, /^field 1999 of envoy\.config\.cluster\.v3\.Cluster is not known/)
})

test('bytes that are no message are rejected, not thrown', () => {
  assert.match(reasonsOf(compileCluster(Uint8Array.of(0xff, 0xff)))[0]!, /^not a envoy\.config\.cluster\.v3\.Cluster: /)
})

test('everything wrong is told at once', () => {
  const reasons = reasonsOf(cluster({ name: '', lbPolicy: Cluster_LbPolicy.MAGLEV, connectTimeout: {}, outlierDetection: {} }))

  assert.deepEqual(
    reasons.map(reason => reason.split(':')[0]),
    [
      'name',
      'connect_timeout',
      'lb_policy',
      'outlier_detection.split_external_local_origin_errors',
      'outlier_detection.enforcing_success_rate',
      'outlier_detection.enforcing_local_origin_success_rate',
    ],
  )
})

test('a server of any name is not accepted in the place of a named one', () => {
  const context = anyPack(
    UpstreamTlsContextSchema,
    create(UpstreamTlsContextSchema, {
      commonTlsContext: {
        tlsCertificateSdsSecretConfigs: [{ name: 'identity' }],
        validationContextType: {
          case: 'combinedValidationContext',
          value: { defaultValidationContext: {}, validationContextSdsSecretConfig: { name: 'trust', sdsConfig: ads } },
        },
      },
    }),
  )
  const reasons = reasonsOf(cluster({ transportSocket: { name: 'tls', configType: { case: 'typedConfig', value: context } } }))

  assert.equal(reasons.length, 1)
  assert.match(reasons[0]!, /match_typed_subject_alt_names: must name at least one SPIFFE ID$/)
})

test('a host with a port, or one that Envoy would compare with its port, is rejected', () => {
  assert.match(reasonsOf(routes({}, ['a.mesh']))[0]!, /^ignore_port_in_host_matching: must be true/)
  assert(reasonsOf(routes({}, ['a.mesh:80'])).some(reason => reason.startsWith('virtual_hosts[0].domains[0]: a.mesh:80')))
})

test('substitutions in header values are rejected, for they would be sent as they stand', () => {
  const header = (value: string) => ({
    header: { key: 'x', value },
    appendAction: HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
  })

  assert.match(
    reasonsOf(routes({ requestHeadersToAdd: [header('%START_TIME%')] }))[0]!,
    /request_headers_to_add\[0\]\.header\.value: substitutions/,
  )
  assert.match(reasonsOf(routes({ responseHeadersToAdd: [header('a\r\nb: c')] }))[0]!, /line breaks/)
})

test('a method that is not a list of methods is rejected', () => {
  const reasons = reasonsOf(
    routes({
      match: {
        pathSpecifier: { case: 'prefix', value: '/' },
        headers: [
          {
            name: ':method',
            headerMatchSpecifier: { case: 'stringMatch', value: { matchPattern: { case: 'safeRegex', value: { regex: 'G.*' } } } },
          },
        ],
      },
    }),
  )

  assert.match(reasons[0]!, /^virtual_hosts\[0\]\.routes\[0\]\.match\.headers\[0\]: the method must be/)
})

test('standard forms that our own control plane never writes are understood', () => {
  const compiled = routes({
    match: {
      pathSpecifier: { case: 'prefix', value: '/a' },
      headers: [
        { name: ':method', headerMatchSpecifier: { case: 'safeRegexMatch', value: { regex: 'GET|POST' } } },
        { name: 'X-A', headerMatchSpecifier: { case: 'suffixMatch', value: '.b' }, invertMatch: true },
      ],
    },
  })

  assert(compiled.kind === 'accepted')
  const route = compiled.value.hosts[0]!.host.routes[0]!
  assert.deepEqual(route.methods, new Set(['GET', 'POST']))
  // Envoy's plain prefix ends anywhere.
  assert.deepEqual(route.path, { kind: 'regex', value: /^\/a[\s\S]*$/ })
  assert.deepEqual(route.headers, [{ name: 'x-a', kind: 'regex', value: /^[\s\S]*\.b$/, invert: true }])
  assert(route.action.kind === 'forward')
  assert.equal(route.action.timeoutMs, 15_000)
})

test('a listener that speaks what this proxy does not speak is rejected', () => {
  const manager = create(HttpConnectionManagerSchema, {
    codecType: HttpConnectionManager_CodecType.HTTP3,
    routeSpecifier: { case: 'rds', value: { routeConfigName: 'r', configSource: {} } },
    httpFilters: [{ name: 'router', configType: { case: 'typedConfig', value: anyPack(RouterSchema, create(RouterSchema)) } }],
  })
  const listener = create(ListenerSchema, {
    name: 'l',
    address: { address: { case: 'socketAddress', value: { address: '127.0.0.1', portSpecifier: { case: 'portValue', value: 0 } } } },
    filterChains: [
      { filters: [{ name: 'hcm', configType: { case: 'typedConfig', value: anyPack(HttpConnectionManagerSchema, manager) } }] },
    ],
  })

  assert.deepEqual(reasonsOf(compileListener(toBinary(ListenerSchema, listener))), [
    'address: needs a socket_address with an address and a port_value from 1 to 65535',
    'filter_chains[0].filters[0].typed_config.codec_type: HTTP3 is not supported by this proxy: use AUTO or HTTP1',
    'filter_chains[0].filters[0].typed_config.rds.config_source: must be ads',
  ])
})
