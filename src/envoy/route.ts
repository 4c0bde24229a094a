import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { ApiVersion, type ConfigSourceSchema } from '../gen/envoy/config/core/v3/config_source_pb.js'
import {
  type RedirectActionSchema,
  RedirectAction_RedirectResponseCode as RedirectCode,
  type RouteAction_HashPolicySchema,
  type RouteActionSchema,
  type RouteSchema,
  VirtualHostSchema,
} from '../gen/envoy/config/route/v3/route_components_pb.js'
import { RouteConfigurationSchema } from '../gen/envoy/config/route/v3/route_pb.js'
import type { HashPolicyPlan } from '../policy/mesh-load-balancing-strategy.ts'
import type { ListenerPlan, RouteAction, RouteMatch, RoutePlan, VirtualHostPlan, WeightedCluster } from '../policy/plan.ts'
import type { ClientKind } from './client-kind.ts'
import { refusedHeader, requestHeaders, responseHeaders } from './headers.ts'
import { percent } from './http-filters.ts'
import { duration, inline, overAds, regex } from './messages.ts'
import { retryPolicy } from './retry.ts'
import { methodIn, methodIs, routeMatch, trimSlash } from './route-match.ts'

type EnvoyRoute = MessageInitShape<typeof RouteSchema>
type EnvoyAction = MessageInitShape<typeof RouteActionSchema>
type Forward = Extract<RouteAction, { kind: 'forward' }>
type Redirect = Extract<RouteAction, { kind: 'redirect' }>

/** Methods that may be sent twice. https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2 */
const safeMethods = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']

/** The routes of a listener, under its name; null = it has none of its own. */
export function encodeRouteConfiguration(listener: ListenerPlan, client: ClientKind = 'skerry'): Uint8Array | null {
  const hosts = virtualHostsOf(listener)
  if (hosts === null) return null
  return toBinary(
    RouteConfigurationSchema,
    create(RouteConfigurationSchema, {
      name: listener.name,
      virtualHosts: hosts.map(host => virtualHost(host, host.name, client)),
      // Hosts are names of services whatever port the client put behind them.
      ignorePortInHostMatching: true,
      ...(listener.kind === 'http-proxy' ? { vhds: { configSource: client === 'envoy' ? withoutWaiting : overAds } } : {}),
    }),
  )
}

/** Has a listener routes of its own? */
export function hasRoutes(listener: ListenerPlan): boolean {
  return virtualHostsOf(listener) !== null
}

/** An Envoy would not listen before its first virtual host came, or this long had passed; an answer without any does not count.
 *  https://github.com/envoyproxy/envoy/issues/23095 */
const withoutWaiting: MessageInitShape<typeof ConfigSourceSchema> = {
  configSourceSpecifier: { case: 'ads', value: {} },
  resourceApiVersion: ApiVersion.V3,
  initialFetchTimeout: duration(1),
}

/** A virtual host for a host that was asked for: one resource by itself, named after the route table and the host. */
export function encodeVirtualHost(routeTable: string, host: VirtualHostPlan, client: ClientKind = 'skerry'): Uint8Array {
  // Envoy removes virtual hosts by the resource's name, so the two must be one.
  return toBinary(VirtualHostSchema, create(VirtualHostSchema, virtualHost(host, virtualHostName(routeTable, host.name), client)))
}

export function virtualHostName(routeTable: string, host: string): string {
  return `${routeTable}/${host}`
}

/** Where requests of a route or a TCP listener go; null = nowhere. */
export function weightedClusters(
  clusters: readonly WeightedCluster[],
): { single: string } | { many: { name: string; weight: number }[] } | null {
  const live = clusters.filter(it => it.weight > 0)
  if (live.length === 0) return null
  if (live.length === 1) return { single: live[0]!.cluster }
  return { many: live.map(({ cluster, weight }) => ({ name: cluster, weight })) }
}

function virtualHostsOf(listener: ListenerPlan): readonly VirtualHostPlan[] | null {
  switch (listener.kind) {
    case 'outbound':
      return listener.target.protocol === 'http' ? [listener.target.virtualHost] : null
    case 'gateway':
      return listener.protocol === 'http' ? listener.virtualHosts : null
    case 'http-proxy':
      return []
    case 'inbound':
    case 'agentless':
    case 'zone-ingress':
      return null
  }
}

function virtualHost(plan: VirtualHostPlan, name: string, client: ClientKind): MessageInitShape<typeof VirtualHostSchema> {
  return {
    name,
    domains: [...plan.domains],
    routes: plan.routes.flatMap(route => routesOf(route, client)),
    responseHeadersToRemove: [refusedHeader],
  }
}

/** Envoy retries by route, not by method: what may be retried differently becomes two routes, the first for safe methods. */
function routesOf(plan: RoutePlan, client: ClientKind): EnvoyRoute[] {
  const { action, match } = plan
  if (action.kind !== 'forward') return [route(plan, methodOf(match), {}, client)]
  const safe = retryPolicy(action.retry, action.retry.on, client)
  const unsafe = retryPolicy(action.retry, action.retry.onUnsafe, client)
  const { methods } = action.retry
  const retryOfMethod = (method: string) => {
    if (methods && !methods.includes(method)) return {}
    return { retryPolicy: safeMethods.includes(method) ? safe : unsafe }
  }
  if (match.method !== undefined) return [route(plan, methodOf(match), retryOfMethod(match.method), client)]
  // A policy that names methods wants no other to be tried again.
  if (methods) return [route(plan, methodIn(methods), { retryPolicy: safe }, client), route(plan, undefined, {}, client)]
  const alike = (safe && action.retry.on.join()) === (unsafe && action.retry.onUnsafe.join())
  if (alike) return [route(plan, undefined, { retryPolicy: safe }, client)]
  return [route(plan, methodIn(safeMethods), { retryPolicy: safe }, client), route(plan, undefined, { retryPolicy: unsafe }, client)]
}

function methodOf(match: RouteMatch): ReturnType<typeof methodIs> | undefined {
  return match.method === undefined ? undefined : methodIs(match.method)
}

function route(
  plan: RoutePlan,
  methods: ReturnType<typeof methodIs> | undefined,
  retry: Pick<EnvoyAction, 'retryPolicy'>,
  client: ClientKind,
): EnvoyRoute {
  return {
    name: plan.name,
    match: routeMatch(plan.match, methods),
    action: actionOf(plan, retry, client),
    ...requestHeaders(plan.requestHeaders),
    ...responseHeaders(plan.responseHeaders),
  }
}

function actionOf(
  { action, match }: RoutePlan,
  retry: Pick<EnvoyAction, 'retryPolicy'>,
  client: ClientKind,
): NonNullable<EnvoyRoute['action']> {
  switch (action.kind) {
    case 'forward':
      return forward(action, match, retry, client)
    case 'redirect':
      return { case: 'redirect', value: redirect(action) }
    case 'respond':
      return { case: 'directResponse', value: { status: action.status, body: inline(action.body) } }
  }
}

function forward(
  action: Forward,
  match: RouteMatch,
  retry: Pick<EnvoyAction, 'retryPolicy'>,
  client: ClientKind,
): NonNullable<EnvoyRoute['action']> {
  const clusters = weightedClusters(action.clusters)
  if (clusters === null) return { case: 'directResponse', value: { status: 500, body: inline('no backend of this route exists') } }
  return {
    case: 'route',
    value: {
      clusterSpecifier:
        'single' in clusters
          ? { case: 'cluster', value: clusters.single }
          : { case: 'weightedClusters', value: { clusters: clusters.many } },
      // Absent would be Envoy's 15 s; zero is no limit.
      timeout: duration(action.timeouts.totalMs),
      ...retry,
      ...rewrite(action, match, client),
      ...(client === 'envoy' ? moreOfEnvoy(action) : {}),
    },
  }
}

function rewrite(
  { rewrite }: Forward,
  match: RouteMatch,
  client: ClientKind,
): Pick<EnvoyAction, 'prefixRewrite' | 'regexRewrite' | 'hostRewriteSpecifier'> {
  if (rewrite === undefined) return {}
  return {
    ...hostRewrite(rewrite, client),
    ...(rewrite.fullPath === undefined
      ? {}
      : { regexRewrite: { pattern: regex('^.*$'), substitution: rewrite.fullPath.replaceAll('\\', '\\\\') } }),
    ...(rewrite.prefix === undefined ? {} : prefixRewrite(match.path.value, rewrite.prefix)),
  }
}

function hostRewrite(
  { host, hostOfBackend }: NonNullable<Forward['rewrite']>,
  client: ClientKind,
): Pick<EnvoyAction, 'hostRewriteSpecifier'> {
  if (host !== undefined) return { hostRewriteSpecifier: { case: 'hostRewriteLiteral', value: host } }
  return hostOfBackend && client === 'envoy' ? { hostRewriteSpecifier: { case: 'autoHostRewrite', value: { value: true } } } : {}
}

/** What the built-in proxy does not act on: limits of a stream, copies of requests, hashing. */
function moreOfEnvoy({ timeouts, mirrors, hashPolicies }: Forward) {
  return {
    // Absent would be the five minutes of the connection manager; zero is no limit.
    idleTimeout: duration(timeouts.idleMs),
    ...(timeouts.maxStreamMs > 0 ? { maxStreamDuration: { maxStreamDuration: duration(timeouts.maxStreamMs) } } : {}),
    requestMirrorPolicies: mirrors.map(({ cluster, percent: share }) => ({ cluster, runtimeFraction: { defaultValue: percent(share) } })),
    hashPolicy: hashPolicies.map(hashPolicy),
  }
}

function hashPolicy(plan: HashPolicyPlan): MessageInitShape<typeof RouteAction_HashPolicySchema> {
  const { terminal } = plan
  switch (plan.type) {
    case 'header':
      return { terminal, policySpecifier: { case: 'header', value: { headerName: plan.name } } }
    case 'cookie': {
      const { name, ttlMs, path } = plan
      return {
        terminal,
        policySpecifier: { case: 'cookie', value: { name, path: path ?? '', ...(ttlMs === null ? {} : { ttl: duration(ttlMs) }) } },
      }
    }
    case 'source-ip':
      return { terminal, policySpecifier: { case: 'connectionProperties', value: { sourceIp: true } } }
    case 'query':
      return { terminal, policySpecifier: { case: 'queryParameter', value: { name: plan.name } } }
    case 'filter-state':
      return { terminal, policySpecifier: { case: 'filterState', value: { key: plan.key } } }
  }
}

/** Envoy replaces letters, not path segments: `/` → `/v1` would make `/v1x` of `/x`, and `/api` → `/` would make `//x` of `/api/x`. */
function prefixRewrite(matched: string, replacement: string): Pick<EnvoyAction, 'prefixRewrite' | 'regexRewrite'> {
  const from = trimSlash(matched)
  const to = trimSlash(replacement)
  if (from === '/') return to === '/' ? {} : { prefixRewrite: `${to}/` }
  if (to === '/') return { regexRewrite: { pattern: regex(`^${escapeRegex(from)}/*`), substitution: '/' } }
  return { prefixRewrite: to }
}

function escapeRegex(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

function redirect(action: Redirect): MessageInitShape<typeof RedirectActionSchema> {
  return {
    responseCode: redirectCodes[action.status],
    ...(action.scheme === undefined ? {} : { schemeRewriteSpecifier: { case: 'schemeRedirect', value: action.scheme } }),
    ...(action.host === undefined ? {} : { hostRedirect: action.host }),
    ...(action.port === undefined ? {} : { portRedirect: action.port }),
    ...(action.path === undefined ? {} : { pathRewriteSpecifier: { case: 'pathRedirect', value: action.path } }),
    ...(action.prefix === undefined ? {} : { pathRewriteSpecifier: { case: 'prefixRewrite', value: action.prefix } }),
  }
}

const redirectCodes = {
  301: RedirectCode.MOVED_PERMANENTLY,
  302: RedirectCode.FOUND,
  303: RedirectCode.SEE_OTHER,
  307: RedirectCode.TEMPORARY_REDIRECT,
  308: RedirectCode.PERMANENT_REDIRECT,
} as const
