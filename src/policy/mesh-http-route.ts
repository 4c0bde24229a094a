import type { HeaderModifier, HttpFilter, HttpMatch, MeshHTTPRoute, RouteRule, RouteTo } from '../model/kinds/mesh-http-route.ts'
import { kriOf } from '../model/kri.ts'
import type { BackendRef } from '../model/target-ref.ts'
import { defaultRetry } from './defaults.ts'
import { mergeConfs } from './merge.ts'
import { compareToItems } from './order.ts'
import {
  type HeaderChanges,
  noHeaderChanges,
  type Origin,
  type RouteAction,
  type RouteMatch,
  type RoutePlan,
  type WeightedCluster,
} from './plan.ts'
import { covers } from './to-rules.ts'
import type { ServiceView } from './view.ts'

/** Turns a backendRef into a cluster of the plan; null = it names nothing that exists. */
export type ResolveBackend = (ref: BackendRef) => WeightedCluster | null

/** The routes of a caller's requests to one service, most specific first, closed by one that sends everything else to the service itself. */
export function planServiceRoutes(
  policies: readonly MeshHTTPRoute[],
  service: ServiceView,
  section: string,
  own: WeightedCluster,
  resolve: ResolveBackend,
): RoutePlan[] {
  const items = policies.flatMap(policy => (policy.spec.to ?? []).map(item => ({ policy, item })))
  const covering = items
    .filter(({ policy, item }) => policy.spec.targetRef?.kind !== 'MeshGateway' && covers(item.targetRef, service, section))
    .sort(compareToItems)
  const routes = planRules(covering, resolve, own)
  if (!routes.some(route => isCatchAll(route.match))) routes.push(defaultRoute(own))
  return routes
}

/** The routes of one host name of a gateway; what no rule matches is answered 404. */
export function planGatewayRoutes(
  items: readonly { readonly policy: MeshHTTPRoute; readonly item: RouteTo }[],
  resolve: ResolveBackend,
): RoutePlan[] {
  return planRules(items, resolve, null)
}

export function defaultRoute(own: WeightedCluster): RoutePlan {
  return {
    name: 'default',
    match: { path: { type: 'PathPrefix', value: '/' }, headers: [], queryParams: [] },
    action: forward([own]),
    requestHeaders: noHeaderChanges,
    responseHeaders: noHeaderChanges,
    origin: 'default',
  }
}

function planRules(
  items: readonly { readonly policy: MeshHTTPRoute; readonly item: RouteTo }[],
  resolve: ResolveBackend,
  own: WeightedCluster | null,
): RoutePlan[] {
  // Rules with equal matches are one rule whose parts merge; the one written last stands first among equals.
  const merged = new Map<string, { matches: readonly RouteMatch[]; confs: RouteRule['default'][]; origin: Origin }>()
  for (const { policy, item } of items) {
    for (const rule of item.rules ?? []) {
      const matches = rule.matches.map(routeMatch)
      const key = JSON.stringify(matches)
      const earlier = merged.get(key)
      merged.delete(key)
      merged.set(key, { matches, confs: [...(earlier?.confs ?? []), rule.default], origin: kriOf(policy) })
    }
  }
  const routes = [...merged.values()].reverse().flatMap(({ matches, confs, origin }, index) => {
    const conf = mergeConfs(confs) ?? {}
    return matches.map<RoutePlan>((match, position) => ({
      name: `rule-${index}-${position}`,
      match,
      ...outcome(conf, resolve, own),
      origin,
    }))
  })
  return routes.sort((a, b) => comparePrecedence(a.match, b.match))
}

const catchAll: RouteMatch = { path: { type: 'PathPrefix', value: '/' }, headers: [], queryParams: [] }

function isCatchAll(match: RouteMatch): boolean {
  return (
    match.path.type === 'PathPrefix' &&
    match.path.value === '/' &&
    !match.method &&
    match.headers.length === 0 &&
    match.queryParams.length === 0
  )
}

function routeMatch(match: HttpMatch): RouteMatch {
  return {
    path: match.path ? { type: match.path.type, value: match.path.value } : catchAll.path,
    ...(match.method ? { method: match.method } : {}),
    headers: (match.headers ?? []).map(header => ({
      name: header.name.toLowerCase(),
      type: header.type ?? 'Exact',
      value: header.value ?? '',
    })),
    queryParams: (match.queryParams ?? []).map(param => ({ name: param.name, type: param.type ?? 'Exact', value: param.value })),
  }
}

/** Gateway API's order: exact path, longer prefix, regular expression; then a method, more headers, more query parameters.
 *  https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule */
function comparePrecedence(a: RouteMatch, b: RouteMatch): number {
  const kinds = ['Exact', 'PathPrefix', 'RegularExpression']
  return (
    kinds.indexOf(a.path.type) - kinds.indexOf(b.path.type) ||
    b.path.value.length - a.path.value.length ||
    Number(Boolean(b.method)) - Number(Boolean(a.method)) ||
    b.headers.length - a.headers.length ||
    b.queryParams.length - a.queryParams.length
  )
}

function outcome(
  conf: RouteRule['default'],
  resolve: ResolveBackend,
  own: WeightedCluster | null,
): Pick<RoutePlan, 'action' | 'requestHeaders' | 'responseHeaders'> {
  let action: RouteAction | null = null
  let requestHeaders = noHeaderChanges
  let responseHeaders = noHeaderChanges
  let rewrite: { prefix?: string; fullPath?: string; host?: string } | undefined
  for (const filter of conf.filters ?? []) {
    if (filter.type === 'RequestHeaderModifier') requestHeaders = headerChanges(filter.requestHeaderModifier)
    if (filter.type === 'ResponseHeaderModifier') responseHeaders = headerChanges(filter.responseHeaderModifier)
    if (filter.type === 'URLRewrite') rewrite = rewriteOf(filter.urlRewrite)
    if (filter.type === 'RequestRedirect') action = redirectOf(filter.requestRedirect)
  }
  if (!action) {
    const backends = conf.backendRefs ? conf.backendRefs.map(resolve).filter(backend => backend !== null) : own ? [own] : []
    action =
      backends.length > 0
        ? { ...forward(backends), ...(rewrite ? { rewrite } : {}) }
        : { kind: 'respond', status: 500, body: 'no backend of this route exists' }
  }
  return { action, requestHeaders, responseHeaders }
}

function forward(clusters: readonly WeightedCluster[]): Extract<RouteAction, { kind: 'forward' }> {
  return { kind: 'forward', clusters, timeoutMs: null, retry: defaultRetry }
}

function headerChanges(modifier: HeaderModifier): HeaderChanges {
  const pairs = (list: readonly { name: string; value: string }[] | undefined) =>
    (list ?? []).map(({ name, value }) => ({ name: name.toLowerCase(), value }))
  return { set: pairs(modifier.set), add: pairs(modifier.add), remove: (modifier.remove ?? []).map(name => name.toLowerCase()) }
}

function rewriteOf(rewrite: Extract<HttpFilter, { type: 'URLRewrite' }>['urlRewrite']): {
  prefix?: string
  fullPath?: string
  host?: string
} {
  const { path, hostname } = rewrite
  return {
    ...(path?.type === 'ReplacePrefixMatch' ? { prefix: path.replacePrefixMatch } : {}),
    ...(path?.type === 'ReplaceFullPath' ? { fullPath: path.replaceFullPath } : {}),
    ...(hostname ? { host: hostname } : {}),
  }
}

function redirectOf({
  scheme,
  hostname,
  port,
  path,
  statusCode,
}: Extract<HttpFilter, { type: 'RequestRedirect' }>['requestRedirect']): RouteAction {
  return {
    kind: 'redirect',
    status: statusCode ?? 302,
    ...(scheme ? { scheme } : {}),
    ...(hostname ? { host: hostname } : {}),
    ...(port ? { port } : {}),
    ...(path?.type === 'ReplaceFullPath' ? { path: path.replaceFullPath } : {}),
    ...(path?.type === 'ReplacePrefixMatch' ? { prefix: path.replacePrefixMatch } : {}),
  }
}
