import type { Filter, FilterChain } from '../../gen/envoy/config/listener/v3/listener_components_pb.js'
import { type Listener, ListenerSchema } from '../../gen/envoy/config/listener/v3/listener_pb.js'
import { OnDemandSchema } from '../../gen/envoy/extensions/filters/http/on_demand/v3/on_demand_pb.js'
import { RBACSchema as HttpRbacSchema } from '../../gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.js'
import { RouterSchema } from '../../gen/envoy/extensions/filters/http/router/v3/router_pb.js'
import { TlsInspectorSchema } from '../../gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js'
import {
  HttpConnectionManager_CodecType as CodecType,
  type HttpConnectionManager,
  HttpConnectionManagerSchema,
} from '../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
import { RBACSchema as NetworkRbacSchema } from '../../gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.js'
import { type TcpProxy, TcpProxySchema } from '../../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js'
import { type Compiled, compileResource, type Reasons } from './compiled.ts'
import { PermissionsBuilder } from './permissions.ts'
import { assembleRoutes, routesOf } from './route.ts'
import type { ListenerTable, Permissions, RouteTable, SniHandler, TcpHandler, WeightedRef } from './table.ts'
import { compileDownstreamTls } from './tls.ts'
import { extension, hostAndPort, needAds, weightedRefs } from './values.ts'

/** A listener whose routes may still have to come. */
export interface CompiledListener extends Pick<ListenerTable, 'name' | 'address' | 'port' | 'accept' | 'isInternal'> {
  readonly handler: CompiledHttp | TcpHandler | SniHandler
}

export interface CompiledHttp {
  readonly kind: 'http'
  readonly permissions: Permissions | null
  /** `rds`: a RouteConfiguration of that name. */
  readonly routes: { readonly kind: 'inline'; readonly table: RouteTable } | { readonly kind: 'rds'; readonly name: string }
}

export function compileListener(bytes: Uint8Array): Compiled<CompiledListener> {
  return compileResource(ListenerSchema, bytes, (listener, reasons) => {
    if (listener.name === '') reasons.add('name', 'must not be empty')
    const isInternal = listener.listenerSpecifier.case === 'internalListener'
    if (isInternal && listener.address) reasons.add('address', 'must not be set together with internal_listener')
    const place = isInternal ? { address: '', port: 0 } : hostAndPort(listener.address, 'address', reasons)
    const inspects = inspectsTls(listener, reasons)
    const chains = listener.filterChains
    if (chains.length === 0) reasons.add('filter_chains', 'must have one')
    const bySni = chains.some(chain => (chain.filterChainMatch?.serverNames.length ?? 0) > 0)
    return {
      name: listener.name,
      ...(isInternal ? { isInternal } : {}),
      ...place,
      ...(bySni ? sni(listener, inspects, reasons) : single(listener, reasons)),
    }
  })
}

type Served = Pick<CompiledListener, 'accept' | 'handler'>

/** All connections alike: in the open, or by mTLS. */
function single({ filterChains: chains }: Listener, reasons: Reasons): Served {
  for (const index of chains.keys()) if (index > 0) reasons.add(`filter_chains[${index}]`, 'more than one needs server_names to choose by')
  const chain = chains[0]
  const path = 'filter_chains[0]'
  if (chain?.filterChainMatch?.transportProtocol)
    reasons.add(`${path}.filter_chain_match.transport_protocol`, 'is supported only with server_names')
  const accept = chain?.transportSocket
    ? compileDownstreamTls(chain.transportSocket, `${path}.transport_socket`, reasons)
    : ({ kind: 'plain' } as const)
  const permissions = new PermissionsBuilder(reasons)
  const last = networkFilters(chain, permissions, path, reasons)
  const handler: CompiledListener['handler'] =
    last?.kind === 'http'
      ? http(last.manager, permissions, last.path, reasons)
      : { kind: 'tcp', permissions: permissions.build(), clusters: last ? tcpClusters(last.proxy, last.path, reasons) : [] }
  if (accept.kind === 'plain' && 'permissions' in handler && handler.permissions) {
    reasons.add(path, 'RBAC needs a DownstreamTlsContext: without TLS nobody has an identity')
  }
  return { accept, handler }
}

/** TLS passed through unopened, by the name that the client asks for. */
function sni({ filterChains }: Listener, inspects: boolean, reasons: Reasons): Served {
  if (!inspects) reasons.add('listener_filters', 'server_names need envoy.filters.listener.tls_inspector')
  const chains = new Map<string, readonly WeightedRef[]>()
  for (const [index, chain] of filterChains.entries()) {
    const path = `filter_chains[${index}]`
    if (chain.transportSocket) reasons.add(`${path}.transport_socket`, 'is not supported together with server_names')
    const permissions = new PermissionsBuilder(reasons)
    const last = networkFilters(chain, permissions, path, reasons)
    if (last?.kind === 'http' || permissions.build())
      reasons.add(`${path}.filters`, 'only tcp_proxy is supported together with server_names')
    const clusters = last?.kind === 'tcp' ? tcpClusters(last.proxy, last.path, reasons) : []
    const names = chain.filterChainMatch?.serverNames ?? []
    if (names.length === 0) reasons.add(`${path}.filter_chain_match.server_names`, 'must not be empty when other chains have them')
    const protocol = chain.filterChainMatch?.transportProtocol
    if (protocol && protocol !== 'tls') reasons.add(`${path}.filter_chain_match.transport_protocol`, 'must be tls')
    for (const name of names.map(name => name.toLowerCase())) {
      if (name.includes('*')) reasons.add(`${path}.filter_chain_match.server_names`, `${name}: wildcards are not supported by this proxy`)
      if (chains.has(name)) reasons.add(`${path}.filter_chain_match.server_names`, `${name} is in an earlier chain`)
      chains.set(name, clusters)
    }
  }
  return { accept: { kind: 'sni' }, handler: { kind: 'sni', chains } }
}

function inspectsTls({ listenerFilters }: Listener, reasons: Reasons): boolean {
  for (const [index, filter] of listenerFilters.entries()) {
    if (extension(filter.configType, TlsInspectorSchema) === undefined)
      reasons.add(`listener_filters[${index}]`, `${filter.name} is not supported by this proxy`)
  }
  return listenerFilters.length > 0
}

type Last = { kind: 'http'; manager: HttpConnectionManager; path: string } | { kind: 'tcp'; proxy: TcpProxy; path: string }

/** Permissions, then one filter that ends the chain. */
function networkFilters(chain: FilterChain | undefined, permissions: PermissionsBuilder, path: string, reasons: Reasons): Last | undefined {
  let last: Last | undefined
  for (const [index, filter] of (chain?.filters ?? []).entries()) {
    const at = `${path}.filters[${index}]`
    if (last) reasons.add(at, 'no filter may follow one that ends the chain')
    last = networkFilter(filter, permissions, at, reasons) ?? last
  }
  if (chain && !last) reasons.add(`${path}.filters`, 'must end with http_connection_manager or tcp_proxy')
  return last
}

function networkFilter({ name, configType }: Filter, permissions: PermissionsBuilder, path: string, reasons: Reasons): Last | undefined {
  const rbac = extension(configType, NetworkRbacSchema)
  if (rbac) {
    permissions.add(rbac.rules, `${path}.typed_config.rules`)
    return undefined
  }
  const manager = extension(configType, HttpConnectionManagerSchema)
  if (manager) return { kind: 'http', manager, path: `${path}.typed_config` }
  const proxy = extension(configType, TcpProxySchema)
  if (proxy) return { kind: 'tcp', proxy, path: `${path}.typed_config` }
  reasons.add(path, `${name} is not supported by this proxy`)
  return undefined
}

function tcpClusters({ clusterSpecifier }: TcpProxy, path: string, reasons: Reasons): WeightedRef[] {
  switch (clusterSpecifier.case) {
    case 'cluster':
      return weightedRefs([{ name: clusterSpecifier.value, weight: 1 }], path, reasons)
    case 'weightedClusters':
      return weightedRefs(clusterSpecifier.value.clusters, `${path}.weighted_clusters`, reasons)
    default:
      reasons.add(path, 'needs cluster or weighted_clusters')
      return []
  }
}

function http(manager: HttpConnectionManager, permissions: PermissionsBuilder, path: string, reasons: Reasons): CompiledHttp {
  if (manager.codecType !== CodecType.AUTO && manager.codecType !== CodecType.HTTP1) {
    reasons.add(
      `${path}.codec_type`,
      `${CodecType[manager.codecType] ?? manager.codecType} is not supported by this proxy: use AUTO or HTTP1`,
    )
  }
  const filters = manager.httpFilters
  for (const [index, { name, configType }] of filters.entries()) {
    const at = `${path}.http_filters[${index}]`
    const rbac = extension(configType, HttpRbacSchema)
    const isRouter = extension(configType, RouterSchema) !== undefined
    if (rbac) permissions.add(rbac.rules, `${at}.typed_config.rules`)
    else if (!isRouter && extension(configType, OnDemandSchema) === undefined) reasons.add(at, `${name} is not supported by this proxy`)
    if (isRouter !== (index === filters.length - 1)) reasons.add(at, 'the router must be the last filter, and the only router')
  }
  if (filters.length === 0) reasons.add(`${path}.http_filters`, 'must end with the router')
  return { kind: 'http', permissions: permissions.build(), routes: routesOfManager(manager, path, reasons) }
}

function routesOfManager({ routeSpecifier }: HttpConnectionManager, path: string, reasons: Reasons): CompiledHttp['routes'] {
  switch (routeSpecifier.case) {
    case 'rds':
      needAds(routeSpecifier.value.configSource, `${path}.rds.config_source`, reasons)
      if (routeSpecifier.value.routeConfigName === '') reasons.add(`${path}.rds.route_config_name`, 'must not be empty')
      return { kind: 'rds', name: routeSpecifier.value.routeConfigName }
    case 'routeConfig': {
      const { name, hosts, onDemand } = routesOf(routeSpecifier.value, `${path}.route_config.`, reasons)
      if (onDemand) reasons.add(`${path}.route_config.vhds`, 'is supported only with rds')
      return { kind: 'inline', table: assembleRoutes(name, hosts, false) }
    }
    default:
      reasons.add(path, 'needs rds or route_config')
      return { kind: 'rds', name: '' }
  }
}
