import type { HttpFilter, HttpMatch, MeshHTTPRouteSpec, PathRewrite, RouteRule } from '../../../model/kinds/mesh-http-route.ts'
import { displayNameLabel, namespaceLabel, zoneLabel } from '../../../model/labels.ts'
import type { ParentRef, RawBackendRef, RawFilter, RawMatch, RawModifier, RawPath, RawRule, RouteFacts } from './route-objects.ts'

/** What a Service of the cluster is called in the mesh, and how the port of that number is. undefined: there is none. */
export type FindService = (
  namespace: string,
  name: string,
) => { readonly meshService: string; portName(port: number): string | undefined } | undefined

export type TranslatedRoute =
  /** Is about no Service, or asks for what the mesh does not do. */
  | { readonly kind: 'left-out'; readonly parents: readonly ParentVerdict[] }
  | { readonly kind: 'route'; readonly spec: MeshHTTPRouteSpec; readonly parents: readonly ParentVerdict[] }

/** What becomes of a route at one of its parents: its reasons are those of the Gateway API. */
export interface ParentVerdict {
  readonly parentRef: ParentRef
  readonly accepted: { readonly status: boolean; readonly reason: string; readonly message: string }
  readonly resolved: { readonly status: boolean; readonly reason: string; readonly message: string }
}

/** A part of a route that cannot be taken over; the whole is then left out: half of a route is another route. */
class Unsupported extends Error {
  readonly reason: 'UnsupportedValue' | 'InvalidKind' | 'BackendNotFound' | 'RefNotPermitted'

  constructor(reason: Unsupported['reason'], message: string) {
    super(message)
    this.reason = reason
  }
}

/**
 * Routes whose parents are Services, as a MeshHTTPRoute. A route beside its Service is for all who call that; one in another namespace for the
 * callers there. https://gateway-api.sigs.k8s.io/mesh/
 */
export function translateRoute(route: RouteFacts, zone: string, findService: FindService): TranslatedRoute {
  const to: MeshHTTPRouteSpec['to'] = []
  const parents: ParentVerdict[] = []
  const ok = { status: true, reason: 'ResolvedRefs', message: '' }
  const services = (route.spec.parentRefs ?? []).filter(it => (it.group ?? '') === '' && it.kind === 'Service')
  const isForeign = services.some(it => (it.namespace ?? route.namespace) !== route.namespace)
  for (const parentRef of services) {
    const namespace = parentRef.namespace ?? route.namespace
    const refused = (reason: string, message: string) =>
      parents.push({ parentRef, accepted: { status: false, reason, message }, resolved: ok })
    const service = findService(namespace, parentRef.name)
    if (!service) {
      refused('NoMatchingParent', `there is no Service ${namespace}/${parentRef.name}`)
      continue
    }
    if (isForeign && namespace === route.namespace) {
      refused('NotAllowedByListeners', 'a route is beside its Services or in another namespace than all of them: make two')
      continue
    }
    const section = parentRef.port === undefined ? undefined : service.portName(parentRef.port)
    if (parentRef.port !== undefined && section === undefined) {
      refused('NoMatchingParent', `Service ${namespace}/${parentRef.name} has no port ${parentRef.port}`)
      continue
    }
    const targetRef = {
      kind: 'MeshService' as const,
      labels: labelsOf(service.meshService, zone),
      ...(section === undefined ? {} : { sectionName: section }),
    }
    try {
      const rules = (route.spec.rules ?? [{}]).map(rule => ruleOf(rule, route, zone, findService))
      to.push({ targetRef, rules })
      parents.push({ parentRef, accepted: { status: true, reason: 'Accepted', message: '' }, resolved: ok })
    } catch (error) {
      if (!(error instanceof Unsupported)) throw error
      if (error.reason === 'UnsupportedValue') refused(error.reason, error.message)
      else
        parents.push({
          parentRef,
          accepted: { status: true, reason: 'Accepted', message: 'it is not in force: a reference cannot be resolved' },
          resolved: { status: false, reason: error.reason, message: error.message },
        })
    }
  }
  if (to.length === 0) return { kind: 'left-out', parents }
  const callers = isForeign ? { targetRef: { kind: 'Dataplane' as const, labels: { [namespaceLabel]: route.namespace } } } : {}
  return { kind: 'route', spec: { ...callers, to }, parents }
}

function ruleOf(rule: RawRule, route: RouteFacts, zone: string, findService: FindService): RouteRule {
  for (const field of ['timeouts', 'retry', 'sessionPersistence'] as const)
    if (rule[field] !== undefined)
      throw new Unsupported('UnsupportedValue', `rules[].${field} is not taken over: apply a policy of the mesh`)
  const matches = rule.matches?.length ? rule.matches : [{}]
  const filters = (rule.filters ?? []).map(filter => filterOf(filter, route, zone, findService))
  const backends = rule.backendRefs ?? []
  return {
    matches: matches.map(route.kind === 'HTTPRoute' ? httpMatchOf : grpcMatchOf),
    default: {
      ...(filters.length > 0 ? { filters } : {}),
      ...(backends.length > 0 ? { backendRefs: backends.map(ref => backendOf(ref, route, zone, findService)) } : {}),
    },
  }
}

function httpMatchOf({ path, method, headers = [], queryParams = [] }: RawMatch): HttpMatch {
  const type = oneOf(path?.type ?? 'PathPrefix', ['Exact', 'PathPrefix', 'RegularExpression'], 'matches[].path.type')
  const value = path?.value ?? '/'
  return {
    path: { type, value: type === 'PathPrefix' && value.length > 1 ? value.replace(/\/+$/, '') || '/' : value },
    ...(typeof method === 'string' ? { method: method as NonNullable<HttpMatch['method']> } : {}),
    ...headersOf(headers),
    ...(queryParams.length === 0
      ? {}
      : {
          queryParams: queryParams.map(it => ({
            type: oneOf(it.type ?? 'Exact', ['Exact', 'RegularExpression'], 'matches[].queryParams[].type'),
            name: it.name,
            value: it.value,
          })),
        }),
  }
}

/** A call is `POST /SERVICE/METHOD`. */
function grpcMatchOf({ method, headers = [] }: RawMatch): HttpMatch {
  const { type = 'Exact', service, method: name } = typeof method === 'object' ? method : {}
  const isExact = oneOf(type, ['Exact', 'RegularExpression'], 'matches[].method.type') === 'Exact'
  const any = '[^/]+'
  const part = (text: string | undefined) =>
    text === undefined ? any : isExact ? text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') : `(?:${text})`
  const path: HttpMatch['path'] =
    service === undefined && name === undefined
      ? { type: 'PathPrefix', value: '/' }
      : isExact && service !== undefined
        ? name === undefined
          ? { type: 'PathPrefix', value: `/${service}` }
          : { type: 'Exact', value: `/${service}/${name}` }
        : { type: 'RegularExpression', value: `/${part(service)}/${part(name)}` }
  return { path, ...headersOf(headers) }
}

function headersOf(headers: NonNullable<RawMatch['headers']>): Pick<HttpMatch, 'headers'> {
  if (headers.length === 0) return {}
  return {
    headers: headers.map(({ type = 'Exact', name, value }) => ({
      type: oneOf(type, ['Exact', 'RegularExpression'], 'matches[].headers[].type'),
      name: name.toLowerCase(),
      value,
    })),
  }
}

function filterOf(filter: RawFilter, route: RouteFacts, zone: string, findService: FindService): HttpFilter {
  const { type, requestHeaderModifier, responseHeaderModifier, requestRedirect, urlRewrite, requestMirror } = filter
  if (type === 'RequestHeaderModifier' && requestHeaderModifier) return { type, requestHeaderModifier: modifierOf(requestHeaderModifier) }
  if (type === 'ResponseHeaderModifier' && responseHeaderModifier)
    return { type, responseHeaderModifier: modifierOf(responseHeaderModifier) }
  if (type === 'RequestRedirect' && requestRedirect) {
    const { scheme, hostname, path, port, statusCode } = requestRedirect
    return {
      type,
      requestRedirect: {
        ...(scheme === undefined ? {} : { scheme: oneOf(scheme, ['http', 'https'], 'requestRedirect.scheme') }),
        ...(hostname === undefined ? {} : { hostname }),
        ...pathOf(path),
        ...(port === undefined ? {} : { port }),
        ...(statusCode === undefined ? {} : { statusCode: statusCode as 301 }),
      },
    }
  }
  if (type === 'URLRewrite' && urlRewrite)
    return {
      type,
      urlRewrite: { ...(urlRewrite.hostname === undefined ? {} : { hostname: urlRewrite.hostname }), ...pathOf(urlRewrite.path) },
    }
  if (type === 'RequestMirror' && requestMirror) {
    const { backendRef, percent, fraction } = requestMirror
    const share = fraction ? (100 * fraction.numerator) / (fraction.denominator ?? 100) : percent
    return {
      type,
      requestMirror: {
        ...(share === undefined ? {} : { percentage: Number.isInteger(share) ? share : String(share) }),
        backendRef: backendOf(backendRef, route, zone, findService),
      },
    }
  }
  throw new Unsupported('UnsupportedValue', `filters of type ${type} are not taken over`)
}

function backendOf(ref: RawBackendRef, route: RouteFacts, zone: string, findService: FindService) {
  const { group = '', kind = 'Service', namespace = route.namespace, name, port, weight, filters = [] } = ref
  const where = `${namespace}/${name}`
  if (group !== '' || kind !== 'Service') throw new Unsupported('InvalidKind', `a backend is a Service, not a ${kind}`)
  if (namespace !== route.namespace)
    throw new Unsupported('RefNotPermitted', `Service ${where} is in another namespace: ReferenceGrants are not read`)
  if (filters.length > 0) throw new Unsupported('UnsupportedValue', 'filters of single backends are not taken over')
  const service = findService(namespace, name)
  if (!service) throw new Unsupported('BackendNotFound', `there is no Service ${where}`)
  const section = port === undefined ? undefined : service.portName(port)
  if (port !== undefined && section === undefined) throw new Unsupported('BackendNotFound', `Service ${where} has no port ${port}`)
  return {
    kind: 'MeshService' as const,
    labels: labelsOf(service.meshService, zone),
    ...(section === undefined ? {} : { sectionName: section }),
    ...(weight === undefined ? {} : { weight }),
  }
}

/** Of this zone: another may have a service of the same name. */
function labelsOf(meshService: string, zone: string): Record<string, string> {
  return { [displayNameLabel]: meshService, [zoneLabel]: zone }
}

function modifierOf({ set, add, remove }: RawModifier) {
  const lower = (headers: NonNullable<RawModifier['set']>) => headers.map(({ name, value }) => ({ name: name.toLowerCase(), value }))
  return {
    ...(set?.length ? { set: lower(set) } : {}),
    ...(add?.length ? { add: lower(add) } : {}),
    ...(remove?.length ? { remove: remove.map(name => name.toLowerCase()) } : {}),
  }
}

function pathOf(path: RawPath | undefined): { path?: PathRewrite } {
  if (path === undefined) return {}
  if (path.type === 'ReplaceFullPath') return { path: { type: path.type, replaceFullPath: path.replaceFullPath ?? '/' } }
  if (path.type === 'ReplacePrefixMatch') return { path: { type: path.type, replacePrefixMatch: path.replacePrefixMatch || '/' } }
  throw new Unsupported('UnsupportedValue', `a path of type ${path.type} is not taken over`)
}

function oneOf<const T extends string>(value: string, known: readonly T[], field: string): T {
  const found = known.find(it => it === value)
  if (found === undefined) throw new Unsupported('UnsupportedValue', `${field}: ${value} is not taken over`)
  return found
}
