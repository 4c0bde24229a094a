import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { FilterChainSchema, type FilterSchema } from '../gen/envoy/config/listener/v3/listener_components_pb.js'
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
import type { AccessLogPlan } from '../policy/mesh-access-log.ts'
import type { TimeoutPlan } from '../policy/mesh-timeout.ts'
import type { TracePlan } from '../policy/mesh-trace.ts'
import type {
  AgentlessPlan,
  InboundPlan,
  ListenerPlan,
  PermissionPlan,
  TcpTargetPlan,
  WeightedCluster,
  ZoneIngressPlan,
} from '../policy/plan.ts'
import { accessLogs as accessLogsOf } from './access-log.ts'
import type { ClientKind } from './client-kind.ts'
import { refusedHeader } from './headers.ts'
import { httpFaults, httpRateLimit, tcpRateLimit } from './http-filters.ts'
import { lambdaFilter } from './lambda.ts'
import { duration, overAds, socketAddress, typedConfig } from './messages.ts'
import { httpPermissions, tcpPermissions } from './rbac.ts'
import { retryPolicy } from './retry.ts'
import { weightedClusters } from './route.ts'
import { downstreamTls } from './tls.ts'
import { tracing } from './tracing.ts'

type Filter = MessageInitShape<typeof FilterSchema>
type HttpFilter = MessageInitShape<typeof HttpFilterSchema>
type FilterChain = MessageInitShape<typeof FilterChainSchema>
type RouteSpecifier = NonNullable<MessageInitShape<typeof HttpConnectionManagerSchema>['routeSpecifier']>

/** A cluster that never exists: where a connection goes that has nowhere to go, for a TCP proxy must name one. */
export const nowhere = 'skerry-nowhere'

export function encodeListener(plan: ListenerPlan, client: ClientKind = 'skerry', trace: TracePlan | null = null): Uint8Array {
  const listener = create(ListenerSchema, {
    name: plan.name,
    // Without a port: what reaches it comes from inside the proxy, by its name.
    ...(plan.kind === 'agentless'
      ? { listenerSpecifier: { case: 'internalListener' as const, value: {} } }
      : { address: socketAddress(plan.address, plan.port) }),
    filterChains: filterChains(plan, client, trace),
    ...(plan.kind === 'zone-ingress' || isPermissive(plan, client) ? { listenerFilters: [tlsInspector] } : {}),
  })
  return toBinary(ListenerSchema, listener)
}

/** Callers without TLS come in beside those with it. The built-in proxy lets in none of them. */
function isPermissive(plan: ListenerPlan, client: ClientKind): boolean {
  return plan.kind === 'inbound' && plan.tls.mode === 'permissive' && client === 'envoy'
}

function filterChains(plan: ListenerPlan, client: ClientKind, trace: TracePlan | null): FilterChain[] {
  switch (plan.kind) {
    case 'inbound': {
      const filters = inboundFilters(plan, client, trace)
      const chain = { transportSocket: downstreamTls(client, plan.tls.tls), filters }
      if (!isPermissive(plan, client)) return [chain]
      // A permission speaks of identities, which a caller in plain text has none of: what is permissive is open.
      const open = inboundFilters({ ...plan, permissions: anybody }, client, trace)
      return [
        { ...chain, filterChainMatch: { transportProtocol: 'tls' } },
        { filterChainMatch: { transportProtocol: 'raw_buffer' }, filters: open },
      ]
    }
    case 'agentless':
      return [{ transportSocket: downstreamTls(client, plan.tls.tls, plan.spiffeId), filters: inboundFilters(plan, client, plan.trace) }]
    case 'outbound': {
      const { target } = plan
      if (target.protocol === 'tcp') return [{ filters: tcpFilters(plan.name, target, client) }]
      const { rateLimit, faults, accessLogs } = target.virtualHost
      const filters = client === 'envoy' ? [...httpRateLimit(rateLimit), ...httpFaults(faults)] : []
      return [{ filters: [http({ name: plan.name, routes: rds(plan.name), filters, accessLogs, trace }, client)] }]
    }
    case 'gateway': {
      const { name, tcp, timeouts, accessLogs } = plan
      if (plan.protocol === 'tcp') return [{ filters: tcp ? tcpFilters(name, tcp, client) : [tcpProxy(name, [])] }]
      const [host] = plan.virtualHosts
      const filters = client === 'envoy' ? [...httpRateLimit(host?.rateLimit), ...httpFaults(host?.faults ?? [])] : []
      return [{ filters: [http({ name, routes: rds(name), filters, timeouts, accessLogs, trace }, client)] }]
    }
    case 'http-proxy':
      return [{ filters: [http({ name: plan.name, routes: rds(plan.name), filters: [onDemand], accessLogs: [], trace }, client)] }]
    case 'zone-ingress':
      return sniChains(plan)
  }
}

const anybody: PermissionPlan = { deny: [], allow: [{ type: 'Any' }], origins: [] }

function inboundFilters(plan: InboundPlan | AgentlessPlan, client: ClientKind, trace: TracePlan | null): Filter[] {
  const { name, permissions, timeouts, accessLogs } = plan
  // Rules for some callers only are nobody's to enforce yet.
  const limit = client === 'envoy' ? plan.rateLimits.find(rule => rule.match === null)?.value : undefined
  if (plan.protocol === 'http') {
    const faults = client === 'envoy' ? (plan.faults.find(rule => rule.match === null)?.value ?? []) : []
    const invocation = plan.kind === 'agentless' && client === 'envoy' ? lambdaFilter(plan.lambda) : []
    const filters = [...httpPermissions(permissions), ...httpRateLimit(limit), ...httpFaults(faults), ...invocation]
    return [...tcpRateLimit(limit, name), http({ name, routes: everythingTo(plan, client), filters, timeouts, accessLogs, trace }, client)]
  }
  const target = {
    clusters: [{ cluster: plan.cluster, weight: 1 }],
    idleMs: timeouts.connection.idleMs,
    connectAttempts: 1,
    accessLogs,
    rateLimit: limit ?? null,
  }
  return [...tcpPermissions(permissions, name), ...tcpFilters(name, target, client)]
}

/** Passed through unopened: the server's proxy ends the TLS. A name without a chain is closed. */
function sniChains(plan: ZoneIngressPlan): FilterChain[] {
  // A gateway that offers nothing yet listens all the same, and a listener must have a chain.
  const chains = plan.chains.length > 0 ? plan.chains : [{ sni: `${nowhere}.invalid`, cluster: nowhere }]
  return [...chains]
    .sort((a, b) => (a.sni < b.sni ? -1 : a.sni > b.sni ? 1 : 0))
    .map(({ sni, cluster }) => sniChain(plan.name, sni, cluster))
}

/** Each made once: a gateway of a large zone has thousands, and is told of all of them again when one comes. */
function sniChain(listener: string, sni: string, cluster: string): FilterChain {
  const key = `${listener} ${sni} ${cluster}`
  let chain = knownChains.get(key)
  if (!chain) {
    chain = create(FilterChainSchema, {
      filterChainMatch: { serverNames: [sni] },
      filters: [tcpProxy(listener, [{ cluster, weight: 1 }])],
    })
    if (knownChains.size >= mostChains) knownChains.clear()
    knownChains.set(key, chain)
  }
  return chain
}

const knownChains = new Map<string, FilterChain>()
const mostChains = 20_000

interface HttpListener {
  readonly name: string
  readonly routes: RouteSpecifier
  readonly filters: readonly HttpFilter[]
  readonly accessLogs: readonly AccessLogPlan[]
  readonly trace: TracePlan | null
  readonly timeouts?: TimeoutPlan
}

function http({ name, routes, filters, accessLogs, trace, timeouts }: HttpListener, client: ClientKind): Filter {
  const { connection, request } = timeouts ?? {}
  return {
    name: 'envoy.filters.network.http_connection_manager',
    configType: typedConfig(HttpConnectionManagerSchema, {
      codecType: HttpConnectionManager_CodecType.AUTO,
      statPrefix: name,
      routeSpecifier: routes,
      httpFilters: [...filters, router],
      ...(client === 'envoy'
        ? {
            // Absent would be five minutes; zero is no limit.
            streamIdleTimeout: duration(request?.idleMs ?? 0),
            requestHeadersTimeout: duration(request?.headMs ?? 0),
            commonHttpProtocolOptions: {
              ...(connection ? { idleTimeout: duration(connection.idleMs) } : {}),
              ...(connection && connection.maxAgeMs > 0 ? { maxConnectionDuration: duration(connection.maxAgeMs) } : {}),
              ...(request && request.maxStreamMs > 0 ? { maxStreamDuration: duration(request.maxStreamMs) } : {}),
            },
            accessLog: accessLogsOf(accessLogs),
            ...(trace ? { tracing: tracing(trace, name) } : {}),
          }
        : {}),
    }),
  }
}

type TcpListener = Pick<TcpTargetPlan, 'clusters' | 'idleMs' | 'connectAttempts' | 'accessLogs' | 'rateLimit'>

function tcpFilters(name: string, { clusters, idleMs, connectAttempts, accessLogs, rateLimit }: TcpListener, client: ClientKind): Filter[] {
  if (client === 'skerry') return [tcpProxy(name, clusters)]
  const limits = { idleTimeout: duration(idleMs), maxConnectAttempts: connectAttempts, accessLog: accessLogsOf(accessLogs) }
  return [...tcpRateLimit(rateLimit, name), tcpProxy(name, clusters, limits)]
}

interface TcpLimits {
  readonly idleTimeout?: ReturnType<typeof duration>
  readonly maxConnectAttempts?: number
  readonly accessLog?: ReturnType<typeof accessLogsOf>
}

function tcpProxy(statPrefix: string, targets: readonly WeightedCluster[], limits: TcpLimits = {}): Filter {
  const clusters = weightedClusters(targets) ?? { single: nowhere }
  return {
    name: 'envoy.filters.network.tcp_proxy',
    configType: typedConfig(TcpProxySchema, {
      ...limits,
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
function everythingTo(plan: InboundPlan | AgentlessPlan, client: ClientKind): RouteSpecifier {
  const { name, cluster, timeouts } = plan
  const { totalMs, idleMs } = timeouts.request
  const retry = plan.kind === 'agentless' && plan.retry ? retryPolicy(plan.retry, plan.retry.onUnsafe, client) : undefined
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
              action: {
                case: 'route',
                value: {
                  clusterSpecifier: { case: 'cluster', value: cluster },
                  timeout: duration(totalMs),
                  ...(retry ? { retryPolicy: retry } : {}),
                  ...(client === 'envoy' ? { idleTimeout: duration(idleMs) } : {}),
                },
              },
            },
          ],
          // What the built-in proxy makes of a function's answer says by itself what only a proxy may say.
          responseHeadersToRemove: plan.kind === 'agentless' && plan.lambda && client === 'skerry' ? [] : [refusedHeader],
        },
      ],
    },
  }
}

const router: HttpFilter = { name: 'envoy.filters.http.router', configType: typedConfig(RouterSchema, {}) }
const onDemand: HttpFilter = { name: 'envoy.filters.http.on_demand', configType: typedConfig(OnDemandSchema, {}) }
const tlsInspector = { name: 'envoy.filters.listener.tls_inspector', configType: typedConfig(TlsInspectorSchema, {}) }
