import type { HeaderModifier } from '../model/header-modifier.ts'
import type { HttpFilter, HttpMatch, MeshHTTPRoute, RouteRule, RouteTo } from '../model/kinds/mesh-http-route.ts'
import { kriOf } from '../model/kri.ts'
import type { Resource } from '../model/resource.ts'
import { numberOf } from '../model/schema.ts'
import type { BackendRef } from '../model/target-ref.ts'
import {
  type HeaderChanges,
  noHeaderChanges,
  type RouteAction,
  type RouteMatch,
  type RoutePlan,
  type Settings,
  type WeightedCluster,
} from './plan.ts'
import { mergeRouteRules } from './rules/merge-routes.ts'
import type { Layer, RuleOrigin } from './rules/policy.ts'
import { comparePrecedence } from './rules/route-precedence.ts'
import { originText } from './settings.ts'

/** Turns a backendRef into a cluster of the plan; null = it names nothing that exists, which is reported on the policy (its KRI). */
export type ResolveBackend = (ref: BackendRef, policy: string) => WeightedCluster | null

/** How requests are treated that take a route: the policies may speak of the route (a MeshHTTPRoute) itself. */
export type TreatRoute = (
  route: Resource | undefined,
  backends: readonly BackendRef[],
) => { readonly treatment: RouteTreatment; readonly settings: Settings }

export type RouteTreatment = Pick<Extract<RouteAction, { kind: 'forward' }>, 'timeouts' | 'retry' | 'hashPolicies'>

export interface RouteSubject {
  /** What policies say, least important first. */
  readonly layers: readonly Layer[]
  readonly resolve: ResolveBackend
  readonly treat: TreatRoute
  /** Where a rule leads that names no backend, and what no rule matches. null = nowhere: those are answered 500 and 404. */
  readonly own: WeightedCluster | null
}

/** Most specific first, closed by one that sends everything else to the service itself. https://kuma.io/docs/latest/policies/meshhttproute/ */
export function planRoutes({ layers, resolve, treat, own }: RouteSubject): RoutePlan[] {
  const routes = mergeRouteRules<HttpMatch, RouteRule['default']>(layers)
    .flatMap((rule, index) => rule.matches.map((match, position) => ({ name: `rule-${index}-${position}`, match, rule })))
    .sort((a, b) => comparePrecedence(a.match, b.match))
    .map(({ name, match, rule }): RoutePlan => {
      const { treatment, settings } = treat(rule.origin.policy, rule.conf.backendRefs ?? [])
      return {
        name,
        match: routeMatch(match),
        ...outcome(rule.conf, ref => resolve(ref, rule.origin.kri), own, treatment),
        origin: originText(rule.origin),
        settings,
      }
    })
  if (own && !routes.some(route => isCatchAll(route.match))) routes.push(defaultRoute(own, treat))
  return routes
}

/** What the routes of a gateway's host say, as layers, from items of policies (least important first). */
export function gatewayLayers(items: readonly { readonly policy: MeshHTTPRoute; readonly item: RouteTo }[]): Layer[] {
  return items.map(({ policy, item }): Layer => {
    const origin: RuleOrigin = { policy, kri: kriOf(policy), ruleIndex: policy.spec.to.indexOf(item) }
    return { origin, conf: { rules: item.rules ?? [] } }
  })
}

function defaultRoute(own: WeightedCluster, treat: TreatRoute): RoutePlan {
  const { treatment, settings } = treat(undefined, [])
  return {
    name: 'default',
    match: catchAll,
    action: { kind: 'forward', clusters: [own], mirrors: [], ...treatment },
    requestHeaders: noHeaderChanges,
    responseHeaders: noHeaderChanges,
    origin: 'default',
    settings,
  }
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

function outcome(
  conf: RouteRule['default'],
  resolve: (ref: BackendRef) => WeightedCluster | null,
  own: WeightedCluster | null,
  treatment: RouteTreatment,
): Pick<RoutePlan, 'action' | 'requestHeaders' | 'responseHeaders'> {
  let action: RouteAction | null = null
  let requestHeaders = noHeaderChanges
  let responseHeaders = noHeaderChanges
  let rewrite: Forward['rewrite']
  const mirrors: { cluster: string; percent: number }[] = []
  for (const filter of conf.filters ?? []) {
    if (filter.type === 'RequestHeaderModifier') requestHeaders = headerChanges(filter.requestHeaderModifier)
    if (filter.type === 'ResponseHeaderModifier') responseHeaders = headerChanges(filter.responseHeaderModifier)
    if (filter.type === 'URLRewrite') rewrite = rewriteOf(filter.urlRewrite)
    if (filter.type === 'RequestRedirect') action = redirectOf(filter.requestRedirect)
    if (filter.type === 'RequestMirror') {
      const { backendRef, percentage = 100 } = filter.requestMirror
      const copy = resolve(backendRef)
      if (copy) mirrors.push({ cluster: copy.cluster, percent: numberOf(percentage) })
    }
  }
  if (!action) {
    const backends = conf.backendRefs ? conf.backendRefs.map(resolve).filter(backend => backend !== null) : own ? [own] : []
    action =
      backends.length > 0
        ? { kind: 'forward', clusters: backends, mirrors, ...treatment, ...(rewrite ? { rewrite } : {}) }
        : { kind: 'respond', status: 500, body: 'no backend of this route exists' }
  }
  return { action, requestHeaders, responseHeaders }
}

type Forward = Extract<RouteAction, { kind: 'forward' }>

function headerChanges(modifier: HeaderModifier): HeaderChanges {
  const pairs = (list: readonly { name: string; value: string }[] | undefined) =>
    (list ?? []).map(({ name, value }) => ({ name: name.toLowerCase(), value }))
  return { set: pairs(modifier.set), add: pairs(modifier.add), remove: (modifier.remove ?? []).map(name => name.toLowerCase()) }
}

function rewriteOf({
  path,
  hostname,
  hostToBackendHostname,
}: Extract<HttpFilter, { type: 'URLRewrite' }>['urlRewrite']): Forward['rewrite'] {
  return {
    ...(path?.type === 'ReplacePrefixMatch' ? { prefix: path.replacePrefixMatch } : {}),
    ...(path?.type === 'ReplaceFullPath' ? { fullPath: path.replaceFullPath } : {}),
    ...(hostname ? { host: hostname } : {}),
    ...(hostToBackendHostname ? { hostOfBackend: true } : {}),
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
