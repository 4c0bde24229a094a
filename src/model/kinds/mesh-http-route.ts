import Type, { type Static } from 'typebox'
import { defineKind, type ResourceOf, type Violation } from '../kind.ts'
import { closed, headerName, headerText, hostName, hostPattern, intOrString, nonEmpty, oneOf, portNumber } from '../schema.ts'
import { backendRef, routeTargetRef, toTargetRef } from '../target-ref.ts'

const headerMatch = closed({
  type: Type.Optional(oneOf('Exact', 'Present', 'RegularExpression', 'Absent', 'Prefix')),
  name: headerName,
  value: Type.Optional(Type.String()),
})
const queryParamMatch = closed({ type: oneOf('Exact', 'RegularExpression'), name: nonEmpty, value: Type.String() })
const pathMatch = closed({ type: oneOf('Exact', 'PathPrefix', 'RegularExpression'), value: nonEmpty })
const match = closed({
  path: Type.Optional(pathMatch),
  method: Type.Optional(oneOf('CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE')),
  queryParams: Type.Optional(Type.Array(queryParamMatch)),
  headers: Type.Optional(Type.Array(headerMatch)),
})

const headerValue = closed({ name: headerName, value: headerText })
const headerModifier = closed({
  set: Type.Optional(Type.Array(headerValue)),
  add: Type.Optional(Type.Array(headerValue)),
  remove: Type.Optional(Type.Array(headerName)),
})
const pathRewrite = Type.Union([
  closed({ type: Type.Literal('ReplaceFullPath'), replaceFullPath: headerText }),
  closed({ type: Type.Literal('ReplacePrefixMatch'), replacePrefixMatch: headerText }),
])
const filter = Type.Union([
  closed({ type: Type.Literal('RequestHeaderModifier'), requestHeaderModifier: headerModifier }),
  closed({ type: Type.Literal('ResponseHeaderModifier'), responseHeaderModifier: headerModifier }),
  closed({
    type: Type.Literal('RequestRedirect'),
    requestRedirect: closed({
      scheme: Type.Optional(oneOf('http', 'https')),
      hostname: Type.Optional(hostName),
      path: Type.Optional(pathRewrite),
      port: Type.Optional(portNumber),
      /** Absent = 302. */
      statusCode: Type.Optional(
        Type.Union([Type.Literal(301), Type.Literal(302), Type.Literal(303), Type.Literal(307), Type.Literal(308)]),
      ),
    }),
  }),
  closed({
    type: Type.Literal('URLRewrite'),
    urlRewrite: closed({
      hostname: Type.Optional(hostName),
      path: Type.Optional(pathRewrite),
      hostToBackendHostname: Type.Optional(Type.Boolean()),
    }),
  }),
  closed({ type: Type.Literal('RequestMirror'), requestMirror: closed({ percentage: Type.Optional(intOrString), backendRef }) }),
])

const rule = closed({
  matches: Type.Array(match, { minItems: 1 }),
  default: closed({ filters: Type.Optional(Type.Array(filter)), backendRefs: Type.Optional(Type.Array(backendRef)) }),
})
const to = closed({
  targetRef: toTargetRef,
  /** Only for a MeshGateway: the hosts these rules are for; absent = the listener's. */
  hostnames: Type.Optional(Type.Array(hostPattern)),
  rules: Type.Optional(Type.Array(rule)),
})
const spec = closed({ targetRef: Type.Optional(routeTargetRef), to: Type.Array(to, { minItems: 1 }) })

/** Where HTTP requests go: out of sidecars to a service (`to[].targetRef`), or in through a gateway (`targetRef.kind: MeshGateway`). */
export const meshHTTPRouteKind = defineKind({
  kind: 'MeshHTTPRoute',
  short: 'mhttpr',
  path: 'meshhttproutes',
  scope: 'mesh',
  shape: 'spec',
  sync: 'both',
  naming: 'rfc1123',
  spec,
  check,
  policy: { order: 100, to: true, rules: false },
  columns: [
    { title: 'TARGET', value: route => route.spec.targetRef?.kind ?? 'Mesh' },
    { title: 'HOSTNAMES', value: route => route.spec.to.flatMap(item => item.hostnames ?? []).join(',') },
    { title: 'RULES', value: route => String(route.spec.to.reduce((sum, item) => sum + (item.rules?.length ?? 0), 0)) },
  ],
})
export type MeshHTTPRoute = ResourceOf<typeof meshHTTPRouteKind>
export type MeshHTTPRouteSpec = MeshHTTPRoute['spec']
export type RouteTo = Static<typeof to>
export type RouteRule = Static<typeof rule>
export type HttpMatch = Static<typeof match>
export type HttpFilter = Static<typeof filter>
export type HeaderModifier = Static<typeof headerModifier>
export type PathRewrite = Static<typeof pathRewrite>

function check({ targetRef, to }: Static<typeof spec>): Violation[] {
  const forGateway = targetRef?.kind === 'MeshGateway'
  return to.flatMap((item, index) => checkTo(item, `to[${index}]`, forGateway))
}

function checkTo(item: RouteTo, at: string, forGateway: boolean): Violation[] {
  const violations: Violation[] = []
  const kinds = forGateway ? ['Mesh'] : ['MeshService', 'MeshMultiZoneService']
  if (!kinds.includes(item.targetRef.kind)) {
    violations.push({
      field: `${at}.targetRef.kind`,
      reason: `must be one of ${kinds.join(', ')}${forGateway ? ' when the route is for a MeshGateway' : ''}`,
    })
  }
  if (!forGateway && item.hostnames !== undefined) {
    violations.push({ field: `${at}.hostnames`, reason: 'can only be set when the targetRef of the route is a MeshGateway' })
  }
  item.rules?.forEach((rule, index) => {
    violations.push(...checkRule(rule, `${at}.rules[${index}]`, forGateway))
  })
  return violations
}

function checkRule(rule: RouteRule, at: string, forGateway: boolean): Violation[] {
  const violations: Violation[] = []
  rule.matches.forEach((match, index) => {
    const path = match.path
    if (path && path.type !== 'RegularExpression' && !path.value.startsWith('/')) {
      violations.push({ field: `${at}.matches[${index}].path.value`, reason: 'must be an absolute path: it must start with "/"' })
    }
    if (path?.type === 'PathPrefix' && path.value !== '/' && path.value.endsWith('/')) {
      violations.push({
        field: `${at}.matches[${index}].path.value`,
        reason: 'does not need a trailing slash because only a "/"-separated prefix or an entire path is matched',
      })
    }
    if (path?.type === 'RegularExpression' && !isRegularExpression(path.value)) {
      violations.push({ field: `${at}.matches[${index}].path.value`, reason: 'is not a regular expression' })
    }
    match.headers?.forEach((header, position) => {
      const needsValue = header.type !== 'Present' && header.type !== 'Absent'
      if (needsValue && header.value === undefined)
        violations.push({ field: `${at}.matches[${index}].headers[${position}].value`, reason: 'must be defined' })
    })
  })
  const filters = rule.default.filters ?? []
  const redirects = filters.some(filter => filter.type === 'RequestRedirect')
  const allPrefixes = rule.matches.every(match => match.path?.type === 'PathPrefix')
  filters.forEach((filter, index) => {
    const path =
      filter.type === 'URLRewrite' ? filter.urlRewrite.path : filter.type === 'RequestRedirect' ? filter.requestRedirect.path : undefined
    if (path?.type === 'ReplacePrefixMatch' && !allPrefixes) {
      violations.push({
        field: `${at}.default.filters[${index}]`,
        reason: 'ReplacePrefixMatch needs a path match of type PathPrefix in every match of the rule',
      })
    }
  })
  if (redirects && (rule.default.backendRefs?.length ?? 0) > 0) {
    violations.push({ field: `${at}.default.backendRefs`, reason: 'must not be set together with a RequestRedirect filter' })
  }
  if (forGateway && !redirects && (rule.default.backendRefs?.length ?? 0) === 0) {
    violations.push({
      field: `${at}.default.backendRefs`,
      reason: 'must have an item: a gateway has no service of its own to fall back to',
    })
  }
  return violations
}

function isRegularExpression(text: string): boolean {
  try {
    return new RegExp(text) !== null
  } catch {
    return false
  }
}
