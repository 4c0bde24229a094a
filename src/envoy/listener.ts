import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import type { FilterChainSchema, FilterSchema } from '../gen/envoy/config/listener/v3/listener_components_pb.js'
import { ListenerSchema } from '../gen/envoy/config/listener/v3/listener_pb.js'
import { OnDemandSchema } from '../gen/envoy/extensions/filters/http/on_demand/v3/on_demand_pb.js'
import { RouterSchema } from '../gen/envoy/extensions/filters/http/router/v3/router_pb.js'
import { TlsInspectorSchema } from '../gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js'
import {
  HttpConnectionManager_CodecType,
  HttpConnectionManagerSchema,
  type HttpFilterSchema,
} from '../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
import { TcpProxySchema } from '../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js'
import type { InboundPlan, ListenerPlan, WeightedCluster, ZoneIngressPlan } from '../policy/plan.ts'
import type { ClientKind } from './client-kind.ts'
import { refusedHeader } from './headers.ts'
import { overAds, socketAddress, typedConfig } from './messages.ts'
import { httpPermissions, tcpPermissions } from './rbac.ts'
import { weightedClusters } from './route.ts'
import { downstreamTls } from './tls.ts'

type Filter = MessageInitShape<typeof FilterSchema>
type HttpFilter = MessageInitShape<typeof HttpFilterSchema>
type FilterChain = MessageInitShape<typeof FilterChainSchema>
type RouteSpecifier = NonNullable<MessageInitShape<typeof HttpConnectionManagerSchema>['routeSpecifier']>

/** A cluster that never exists: where a connection goes that has nowhere to go, for a TCP proxy must name one. */
export const nowhere = 'skerry-nowhere'

export function encodeListener(plan: ListenerPlan, client: ClientKind = 'skerry'): Uint8Array {
  const listener = create(ListenerSchema, {
    name: plan.name,
    address: socketAddress(plan.address, plan.port),
    filterChains: filterChains(plan, client),
    ...(plan.kind === 'zone-ingress' ? { listenerFilters: [tlsInspector] } : {}),
  })
  return toBinary(ListenerSchema, listener)
}

function filterChains(plan: ListenerPlan, client: ClientKind): FilterChain[] {
  switch (plan.kind) {
    case 'inbound':
      return [{ transportSocket: downstreamTls(client), filters: inboundFilters(plan) }]
    case 'outbound':
      return [{ filters: [plan.target.protocol === 'http' ? http(plan.name, rds(plan.name), []) : tcp(plan.name, plan.target.clusters)] }]
    case 'gateway':
      return [{ filters: [plan.protocol === 'http' ? http(plan.name, rds(plan.name), []) : tcp(plan.name, plan.clusters)] }]
    case 'http-proxy':
      return [{ filters: [http(plan.name, rds(plan.name), [onDemand])] }]
    case 'zone-ingress':
      return sniChains(plan)
  }
}

function inboundFilters(plan: InboundPlan): Filter[] {
  if (plan.protocol === 'http') return [http(plan.name, everythingTo(plan), httpPermissions(plan.permissions))]
  return [...tcpPermissions(plan.permissions, plan.name), tcp(plan.name, [{ cluster: plan.cluster, weight: 1 }])]
}

/** Passed through unopened: the server's proxy ends the TLS. A name without a chain is closed. */
function sniChains(plan: ZoneIngressPlan): FilterChain[] {
  // A gateway that offers nothing yet listens all the same, and a listener must have a chain.
  const chains = plan.chains.length > 0 ? plan.chains : [{ sni: `${nowhere}.invalid`, cluster: nowhere }]
  return [...chains]
    .sort((a, b) => (a.sni < b.sni ? -1 : a.sni > b.sni ? 1 : 0))
    .map(({ sni, cluster }) => ({
      filterChainMatch: { serverNames: [sni] },
      filters: [tcp(plan.name, [{ cluster, weight: 1 }])],
    }))
}

function http(statPrefix: string, routeSpecifier: RouteSpecifier, filters: HttpFilter[]): Filter {
  return {
    name: 'envoy.filters.network.http_connection_manager',
    configType: typedConfig(HttpConnectionManagerSchema, {
      codecType: HttpConnectionManager_CodecType.AUTO,
      statPrefix,
      routeSpecifier,
      httpFilters: [...filters, router],
    }),
  }
}

function tcp(statPrefix: string, targets: readonly WeightedCluster[]): Filter {
  const clusters = weightedClusters(targets) ?? { single: nowhere }
  return {
    name: 'envoy.filters.network.tcp_proxy',
    configType: typedConfig(TcpProxySchema, {
      statPrefix,
      clusterSpecifier:
        'single' in clusters
          ? { case: 'cluster', value: clusters.single }
          : { case: 'weightedClusters', value: { clusters: clusters.many } },
    }),
  }
}

function rds(routeConfigName: string): RouteSpecifier {
  return { case: 'rds', value: { routeConfigName, configSource: overAds } }
}

/** An application must not be able to say what only a proxy may say. */
function everythingTo({ name, cluster }: InboundPlan): RouteSpecifier {
  return {
    case: 'routeConfig',
    value: {
      name,
      ignorePortInHostMatching: true,
      virtualHosts: [
        {
          name,
          domains: ['*'],
          routes: [
            {
              match: { pathSpecifier: { case: 'prefix', value: '/' } },
              action: { case: 'route', value: { clusterSpecifier: { case: 'cluster', value: cluster }, timeout: {} } },
            },
          ],
          responseHeadersToRemove: [refusedHeader],
        },
      ],
    },
  }
}

const router: HttpFilter = { name: 'envoy.filters.http.router', configType: typedConfig(RouterSchema, {}) }
const onDemand: HttpFilter = { name: 'envoy.filters.http.on_demand', configType: typedConfig(OnDemandSchema, {}) }
const tlsInspector = { name: 'envoy.filters.listener.tls_inspector', configType: typedConfig(TlsInspectorSchema, {}) }
