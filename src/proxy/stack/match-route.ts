import { type Edits, prepareEdits } from '../codec/edits.ts'
import { fieldText, type Head } from '../codec/head.ts'
import type { HeaderRule, Route, RouteTable, VirtualHost } from '../compile/table.ts'

/** A route with its header edits in the composers' form: its own first, then its virtual host's. */
export interface PreparedRoute {
  readonly route: Route
  readonly requestEdits: Edits
  readonly responseEdits: Edits
}

const prepared = new WeakMap<VirtualHost, readonly PreparedRoute[]>()

/** Prepared on first use: a table of thousands of hosts costs nothing when it is swapped in. */
function routesOf(host: VirtualHost): readonly PreparedRoute[] {
  let routes = prepared.get(host)
  if (!routes) {
    routes = host.routes.map(route => ({
      route,
      requestEdits: prepareEdits(route.requestHeaders),
      responseEdits: prepareEdits(route.responseHeaders, host.responseHeaders),
    }))
    prepared.set(host, routes)
  }
  return routes
}

/** @param host without port, lower case */
export function findVirtualHost(table: RouteTable, host: string): VirtualHost | null {
  const exact = table.exact.get(host)
  if (exact) return exact
  for (const { suffix, host: found } of table.suffixes) if (host.length > suffix.length && host.endsWith(suffix)) return found
  return table.any
}

export interface Matchable {
  readonly method: string
  readonly path: string
  /** With `?`, or ''. */
  readonly query: string
  readonly bytes: Buffer
  readonly head: Head
}

/** The first route that fits. */
export function matchRoute(host: VirtualHost, request: Matchable): PreparedRoute | null {
  for (const candidate of routesOf(host)) if (fits(candidate.route, request)) return candidate
  return null
}

function fits(route: Route, request: Matchable): boolean {
  if (route.methods !== null && !route.methods.has(request.method)) return false
  if (!pathFits(route.path, request.path)) return false
  for (const rule of route.headers) if (!headerFits(rule, request)) return false
  if (route.query.length === 0) return true
  const query = new URLSearchParams(request.query)
  return route.query.every(({ name, value }) => {
    const actual = query.get(name)
    return actual !== null && (typeof value === 'string' ? actual === value : isWholeMatch(value, actual))
  })
}

/** A prefix ends at a segment's end: `/api` takes `/api/x`, not `/apiary`. */
function pathFits(rule: Route['path'], path: string): boolean {
  switch (rule.kind) {
    case 'exact':
      return path === rule.value
    case 'prefix':
      return (
        rule.value === '/' ||
        (path.startsWith(rule.value) && (rule.value.endsWith('/') || path.length === rule.value.length || path[rule.value.length] === '/'))
      )
    case 'regex':
      return isWholeMatch(rule.value, path)
  }
}

function headerFits(rule: HeaderRule, request: Matchable): boolean {
  const actual = fieldText(request.bytes, request.head, rule.name)
  return valueFits(rule, actual) !== rule.invert
}

function valueFits(rule: HeaderRule, actual: string | null): boolean {
  switch (rule.kind) {
    case 'present':
      return actual !== null
    case 'absent':
      return actual === null
    case 'exact':
      return actual === rule.value
    case 'prefix':
      return actual?.startsWith(String(rule.value)) ?? false
    case 'regex':
      return actual !== null && typeof rule.value !== 'string' && isWholeMatch(rule.value, actual)
  }
}

const anchored = new WeakMap<RegExp, RegExp>()

/** Envoy's regexes match the whole text. */
function isWholeMatch(pattern: RegExp, text: string): boolean {
  let whole = anchored.get(pattern)
  if (!whole) {
    whole = new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace(/[gy]/g, ''))
    anchored.set(pattern, whole)
  }
  return whole.test(text)
}
