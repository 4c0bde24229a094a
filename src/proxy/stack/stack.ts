import { type Head, textOf } from '../codec/head.ts'
import type { LocalAnswer } from '../codec/local-answer.ts'
import type { HttpHandler } from '../compile/table.ts'
import { findVirtualHost, matchRoute } from './match-route.ts'
import type { PermissionCheck } from './permissions.ts'
import type { Request } from './request.ts'
import type { Runtime, Service } from './runtime.ts'

export interface Passage {
  readonly request: Request
  /** Valid during the call. */
  readonly bytes: Buffer
  readonly head: Head
  readonly service: Service<HttpHandler>
  readonly permissions: PermissionCheck
  readonly runtime: Runtime
  /** The request has waited for its host already. */
  readonly hasWaited: boolean
}

export type Verdict = { readonly kind: 'answer'; readonly answer: LocalAnswer } | { readonly kind: 'wait'; readonly host: string } | null

/** null = go on. */
type Step = (passage: Passage) => Verdict

/**
 * A request's way before it is sent on. The access log stands before all of them, so that it also sees what they refuse; deadline and retry
 * stand after, around the tries (`exchange.ts`): the deadline is for all tries together.
 */
const steps: readonly Step[] = [
  // Who asks, before anything is told about what is here.
  permit,
  // After permissions: a stranger is not told that we are leaving. Before routes: nothing more is begun.
  refuseWhenDraining,
  refuseUnsupported,
  route,
  answerByRoute,
]

export function runStack(passage: Passage): Verdict {
  for (const step of steps) {
    const verdict = step(passage)
    if (verdict !== null) return verdict
  }
  return null
}

function permit({ service, permissions }: Passage): Verdict {
  return permissions.permits(service.handler.permissions) ? null : answer({ status: 403, body: 'RBAC: access denied' })
}

function refuseWhenDraining({ service, runtime }: Passage): Verdict {
  // Only peers know what to do with it; a client of a plain listener is served to the end.
  if (!runtime.isDraining || service.kind !== 'mtls') return null
  return answer({ status: 503, body: 'this instance is shutting down', refused: 'draining' })
}

function refuseUnsupported({ request, head, bytes }: Passage): Verdict {
  if (request.method === 'CONNECT')
    return answer({ status: 405, body: 'CONNECT is not supported: use an http:// address, or an outbound port' })
  if (!head.connectionUpgrade || head.upgrade < 0) return null
  // An offer of HTTP/2 may be ignored (RFC 9110 §7.8): Java's client makes one with every request.
  const protocol = textOf(bytes, head.valueFrom[head.upgrade]!, head.valueTo[head.upgrade]!).toLowerCase()
  return /^h2c?$/.test(protocol)
    ? null
    : answer({ status: 501, body: `upgrading to '${protocol.replace(/[^a-z0-9/.-]/g, '?')}' is not supported` })
}

function route({ request, bytes, head, service, hasWaited }: Passage): Verdict {
  const { routes } = service.handler
  const host = findVirtualHost(routes, request.host)
  if (host === null) {
    if (routes.onDemand && request.host !== '' && !hasWaited) return { kind: 'wait', host: request.host }
    return answer({ status: 404, body: `no route for host '${request.host}'` })
  }
  request.virtualHost = host
  request.route = matchRoute(host, { method: request.method, path: request.path, query: request.query, bytes, head })
  return request.route === null ? answer({ status: 404, body: `no route for ${request.path} on host '${request.host}'` }) : null
}

function answerByRoute({ request, service }: Passage): Verdict {
  const { action, path } = request.route!.route
  switch (action.kind) {
    case 'forward':
      return null
    case 'respond':
      return answer({ status: action.status, body: action.body })
    case 'redirect': {
      const scheme = action.scheme ?? (service.kind === 'mtls' ? 'https' : 'http')
      const host = action.host ?? request.host
      const port = action.port === undefined || action.port === (scheme === 'https' ? 443 : 80) ? '' : `:${action.port}`
      const matched = path.kind === 'prefix' ? path.value : ''
      const location = action.path ?? (action.prefix === undefined ? request.path : replacePrefix(request.path, matched, action.prefix))
      return answer({ status: action.status, body: '', location: `${scheme}://${host}${port}${location}${request.query}` })
    }
  }
}

/** `/old/x` with `/old` → `/new` is `/new/x`; never without a slash between. */
export function replacePrefix(path: string, prefix: string, replacement: string): string {
  const rest = path.slice(prefix.length)
  if (replacement.endsWith('/') && rest.startsWith('/')) return replacement + rest.slice(1)
  if (!replacement.endsWith('/') && rest !== '' && !rest.startsWith('/')) return `${replacement}/${rest}`
  return `${replacement}${rest}` || '/'
}

function answer(local: LocalAnswer): Verdict {
  return { kind: 'answer', answer: local }
}
