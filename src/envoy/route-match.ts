import type { MessageInitShape } from '@bufbuild/protobuf'
import type { HeaderMatcherSchema, RouteMatchSchema } from '../gen/envoy/config/route/v3/route_components_pb.js'
import type { StringMatcherSchema } from '../gen/envoy/type/matcher/v3/string_pb.js'
import type { RouteMatch } from '../policy/plan.ts'
import { regex } from './messages.ts'

type HeaderMatcher = MessageInitShape<typeof HeaderMatcherSchema>

export function routeMatch(match: RouteMatch, methods?: HeaderMatcher): MessageInitShape<typeof RouteMatchSchema> {
  return {
    pathSpecifier: pathSpecifier(match.path),
    headers: [...(methods ? [methods] : []), ...match.headers.map(headerMatcher)],
    queryParameters: match.queryParams.map(({ name, type, value }) => ({
      name,
      queryParameterMatchSpecifier: { case: 'stringMatch' as const, value: type === 'Exact' ? exact(value) : pattern(value) },
    })),
  }
}

export function methodIs(method: string): HeaderMatcher {
  return { name: ':method', headerMatchSpecifier: { case: 'stringMatch', value: exact(method) } }
}

export function methodIn(methods: readonly string[]): HeaderMatcher {
  return { name: ':method', headerMatchSpecifier: { case: 'stringMatch', value: pattern(`^(${methods.join('|')})$`) } }
}

/** `/api/` and `/api` are one prefix; it matches `/api`, `/api/x`, and not `/apix`. */
export function trimSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}

function pathSpecifier(path: RouteMatch['path']): NonNullable<MessageInitShape<typeof RouteMatchSchema>['pathSpecifier']> {
  switch (path.type) {
    case 'Exact':
      return { case: 'path', value: path.value }
    case 'RegularExpression':
      return { case: 'safeRegex', value: regex(path.value) }
    case 'PathPrefix':
      // Envoy's separated prefix may not end in a slash, so it cannot say "everything".
      return trimSlash(path.value) === '/' ? { case: 'prefix', value: '/' } : { case: 'pathSeparatedPrefix', value: trimSlash(path.value) }
  }
}

export function headerMatcher({ name, type, value }: RouteMatch['headers'][number]): HeaderMatcher {
  switch (type) {
    case 'Present':
      return { name, headerMatchSpecifier: { case: 'presentMatch', value: true } }
    case 'Absent':
      return { name, headerMatchSpecifier: { case: 'presentMatch', value: false } }
    case 'Exact':
      return { name, headerMatchSpecifier: { case: 'stringMatch', value: exact(value) } }
    case 'Prefix':
      return { name, headerMatchSpecifier: { case: 'stringMatch', value: { matchPattern: { case: 'prefix', value } } } }
    case 'RegularExpression':
      return { name, headerMatchSpecifier: { case: 'stringMatch', value: pattern(value) } }
  }
}

function exact(value: string): MessageInitShape<typeof StringMatcherSchema> {
  return { matchPattern: { case: 'exact', value } }
}

function pattern(value: string): MessageInitShape<typeof StringMatcherSchema> {
  return { matchPattern: { case: 'safeRegex', value: regex(value) } }
}
