import {
  type Route as EnvoyRoute,
  type RedirectAction,
  RedirectAction_RedirectResponseCode as RedirectCode,
  type RouteAction,
} from '../../gen/envoy/config/route/v3/route_components_pb.js'
import type { Reasons } from './compiled.ts'
import { compileRetry } from './retry.ts'
import type { Action, Route, WeightedRef } from './table.ts'
import { bytesOf, durationMs, escapeRegex, weightedRefs } from './values.ts'

type Forward = Extract<Action, { kind: 'forward' }>
type Redirect = Extract<Action, { kind: 'redirect' }>

/** Envoy's, when a route says nothing; 0 = none. */
const defaultTimeoutMs = 15_000

export function compileAction(route: EnvoyRoute, matched: Route['path'], path: string, reasons: Reasons): Action {
  const { action } = route
  switch (action.case) {
    case 'route':
      return forward(action.value, matched, `${path}.route`, reasons)
    case 'redirect':
      return redirect(action.value)
    case 'directResponse':
      return { kind: 'respond', status: action.value.status, body: bytesOf(action.value.body) }
    default:
      reasons.add(path, 'needs route, redirect or direct_response')
      return { kind: 'respond', status: 500, body: new Uint8Array() }
  }
}

function forward(action: RouteAction, matched: Route['path'], path: string, reasons: Reasons): Forward {
  return {
    kind: 'forward',
    clusters: clusters(action, path, reasons),
    timeoutMs: (durationMs(action.timeout) ?? defaultTimeoutMs) || null,
    retry: compileRetry(action.retryPolicy, `${path}.retry_policy`, reasons),
    rewrite: rewrite(action, matched, path, reasons),
  }
}

function clusters({ clusterSpecifier }: RouteAction, path: string, reasons: Reasons): WeightedRef[] {
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

function rewrite(action: RouteAction, matched: Route['path'], path: string, reasons: Reasons): Forward['rewrite'] {
  const host = action.hostRewriteSpecifier.case === 'hostRewriteLiteral' ? { host: action.hostRewriteSpecifier.value } : undefined
  const ofPath = action.prefixRewrite
    ? prefixRewrite(action.prefixRewrite, matched, path, reasons)
    : action.regexRewrite
      ? regexRewrite(action.regexRewrite, matched, path, reasons)
      : undefined
  return host || ofPath ? { ...host, ...ofPath } : null
}

/** The table's prefixes are whole segments, so what replaces one needs no slash at its end; Envoy's are letters. */
function prefixRewrite(to: string, matched: Route['path'], path: string, reasons: Reasons): Forward['rewrite'] {
  if (matched.kind === 'exact') return { fullPath: to }
  const keepsSegments = matched.kind === 'prefix' && (matched.value === '/') === to.endsWith('/')
  if (!keepsSegments)
    reasons.add(
      `${path}.prefix_rewrite`,
      `${JSON.stringify(to)} would join or double segments of what was matched, which this proxy cannot do`,
    )
  return { prefix: to.length > 1 && to.endsWith('/') ? to.slice(0, -1) : to }
}

/** Two forms are known: the whole path, and a matched prefix to `/` (which Envoy's `prefix_rewrite` cannot say). */
function regexRewrite(
  rewrite: NonNullable<RouteAction['regexRewrite']>,
  matched: Route['path'],
  path: string,
  reasons: Reasons,
): Forward['rewrite'] {
  const pattern = rewrite.pattern?.regex ?? ''
  if (matched.kind === 'prefix' && pattern === `^${escapeRegex(matched.value)}/*` && rewrite.substitution === '/') return { prefix: '/' }
  const whole = rewrite.substitution.replaceAll('\\\\', '')
  if (/^\^?(\.|\/\.)\*\$?$/.test(pattern) && !whole.includes('\\')) return { fullPath: rewrite.substitution.replaceAll('\\\\', '\\') }
  reasons.add(`${path}.regex_rewrite`, 'only the whole path (^.*$) or a matched prefix can be replaced by this proxy')
  return null
}

function redirect(action: RedirectAction): Redirect {
  const scheme = action.schemeRewriteSpecifier
  const to = action.pathRewriteSpecifier
  return {
    kind: 'redirect',
    status: statuses[action.responseCode] ?? 301,
    ...(scheme.case === 'schemeRedirect'
      ? { scheme: scheme.value }
      : scheme.case === 'httpsRedirect' && scheme.value
        ? { scheme: 'https' }
        : {}),
    ...(action.hostRedirect === '' ? {} : { host: action.hostRedirect }),
    ...(action.portRedirect === 0 ? {} : { port: action.portRedirect }),
    ...(to.case === 'pathRedirect' ? { path: to.value } : to.case === 'prefixRewrite' ? { prefix: to.value } : {}),
  }
}

const statuses: Readonly<Record<RedirectCode, number>> = {
  [RedirectCode.MOVED_PERMANENTLY]: 301,
  [RedirectCode.FOUND]: 302,
  [RedirectCode.SEE_OTHER]: 303,
  [RedirectCode.TEMPORARY_REDIRECT]: 307,
  [RedirectCode.PERMANENT_REDIRECT]: 308,
}
