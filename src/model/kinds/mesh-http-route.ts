import Type, { type Static } from 'typebox'
import { isIpAddress } from '../address.ts'
import { checkBackendRef, checkTargets } from '../check-targets.ts'
import { checkHeaderMatch, headerMatch } from '../header-match.ts'
import { checkHeaderModifier, headerModifier } from '../header-modifier.ts'
import type { ResourceOf, Violation } from '../kind.ts'
import { definePolicy } from '../policy-kind.ts'
import { isRegularExpression } from '../regular-expression.ts'
import { each, percent, violation } from '../rules.ts'
import { closed, defaulting, headerText, hostName, hostPattern, intOrString, nonEmpty, oneOf, portNumber } from '../schema.ts'
import { backendRef, routeTargetRef, toTargetRef } from '../target-ref.ts'

const queryParamMatch = closed({ type: oneOf('Exact', 'RegularExpression'), name: nonEmpty, value: Type.String() })
const pathMatch = closed({ type: oneOf('Exact', 'PathPrefix', 'RegularExpression'), value: nonEmpty })
const match = closed({
  path: Type.Optional(pathMatch),
  method: Type.Optional(oneOf('CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE')),
  queryParams: Type.Optional(Type.Array(queryParamMatch)),
  headers: Type.Optional(Type.Array(headerMatch)),
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
        defaulting(Type.Union([Type.Literal(301), Type.Literal(302), Type.Literal(303), Type.Literal(307), Type.Literal(308)]), 302),
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
  matches: Type.Array(match, { minItems: 1, description: 'Requests that fit one of these; what is said in one must all hold.' }),
  default: closed({
    filters: Type.Optional(Type.Array(filter, { description: 'What is changed, or answered at once.' })),
    backendRefs: Type.Optional(Type.Array(backendRef, { description: 'Where they go, by weight; absent = to the service itself.' })),
  }),
})
const to = closed({
  targetRef: toTargetRef,
  hostnames: Type.Optional(
    Type.Array(hostPattern, { description: "Only for a MeshGateway: the hosts these rules are for; absent = the listener's." }),
  ),
  rules: Type.Array(rule, { description: 'The most exact match counts, wherever it stands.' }),
})
const spec = closed({ targetRef: Type.Optional(routeTargetRef), to: defaulting(Type.Array(to), []) })

/** Where HTTP requests go: out of sidecars to a service (`to[].targetRef`), or in through a gateway (`targetRef.kind: MeshGateway`). */
export const meshHTTPRouteKind = definePolicy({
  kind: 'MeshHTTPRoute',
  short: 'mhttpr',
  path: 'meshhttproutes',
  description: 'Where HTTP requests go, and what is changed in them: out of sidecars to a service, or in through a gateway.',
  example: {
    name: 'backend-v2',
    spec: {
      targetRef: { kind: 'Dataplane', labels: { app: 'web' } },
      to: [
        {
          targetRef: { kind: 'MeshService', labels: { 'kuma.io/display-name': 'backend' } },
          rules: [
            {
              matches: [{ path: { type: 'PathPrefix', value: '/v2' } }],
              default: { backendRefs: [{ kind: 'MeshService', labels: { 'kuma.io/display-name': 'backend-v2' }, port: 80, weight: 1 }] },
            },
          ],
        },
      ],
    },
  },
  spec,
  check,
  order: 100,
  columns: [
    { title: 'HOSTNAMES', value: route => route.spec.to.flatMap(item => item.hostnames ?? []).join(',') },
    { title: 'RULES', value: route => String(route.spec.to.reduce((sum, item) => sum + item.rules.length, 0)) },
  ],
})
export type MeshHTTPRoute = ResourceOf<typeof meshHTTPRouteKind>
export type MeshHTTPRouteSpec = Static<typeof spec>
export type RouteTo = Static<typeof to>
export type RouteRule = Static<typeof rule>
export type HttpMatch = Static<typeof match>
export type HttpFilter = Static<typeof filter>
export type PathRewrite = Static<typeof pathRewrite>

const services = ['MeshService', 'MeshExternalService', 'MeshMultiZoneService']

function check(spec: MeshHTTPRouteSpec): Violation[] {
  const forGateway = spec.targetRef?.kind === 'MeshGateway'
  return [
    ...checkTargets(spec, { toKinds: forGateway ? ['Mesh'] : services }),
    ...each(spec.to, 'to', ({ rules, hostnames }, at) => [
      ...(!forGateway && hostnames !== undefined && hostnames.length > 0
        ? violation(`${at}.hostnames`, 'must not be defined; only a route whose targetRef is a MeshGateway has hostnames')
        : []),
      ...each(rules, `${at}.rules`, (rule, field) => checkRule(rule, field, forGateway)),
    ]),
  ]
}

function checkRule({ matches, default: { filters = [], backendRefs = [] } }: RouteRule, at: string, forGateway: boolean): Violation[] {
  const allPrefixes = matches.every(match => match.path?.type === 'PathPrefix')
  const redirects = filters.some(filter => filter.type === 'RequestRedirect')
  const field = `${at}.default.backendRefs`
  return [
    ...each(matches, `${at}.matches`, checkMatch),
    ...each(filters, `${at}.default.filters`, (filter, where) => checkFilter(filter, where, { allPrefixes, forGateway })),
    ...each(backendRefs, field, (ref, where) => checkBackendRef(ref, where)),
    ...(redirects && backendRefs.length > 0 ? violation(field, 'must not be set together with a RequestRedirect filter') : []),
    ...(forGateway && !redirects && backendRefs.length === 0
      ? violation(field, 'must not be empty; a gateway has no service of its own to fall back to')
      : []),
  ]
}

function checkMatch({ path, headers, queryParams = [] }: HttpMatch, at: string): Violation[] {
  return [
    ...(path === undefined ? [] : checkPath(path, `${at}.path.value`)),
    ...each(headers, `${at}.headers`, checkHeaderMatch),
    ...queryParams.flatMap(({ name }, index) =>
      queryParams.findIndex(it => it.name === name) < index
        ? violation(`${at}.queryParams[${index}].name`, `multiple entries for name ${name}`)
        : [],
    ),
  ]
}

function checkPath({ type, value }: NonNullable<HttpMatch['path']>, field: string): Violation[] {
  if (type === 'RegularExpression') return isRegularExpression(value) ? [] : violation(field, 'is not a regular expression')
  return [
    ...(type === 'PathPrefix' && value !== '/' && value.endsWith('/')
      ? violation(field, 'does not need a trailing slash because only a `/`-separated prefix or an entire path is matched')
      : []),
    ...(value.startsWith('/') ? [] : violation(field, 'must be an absolute path; begin it with /')),
  ]
}

function checkFilter(
  filter: HttpFilter,
  at: string,
  { allPrefixes, forGateway }: { allPrefixes: boolean; forGateway: boolean },
): Violation[] {
  switch (filter.type) {
    case 'RequestHeaderModifier':
      return checkHeaderModifier(filter.requestHeaderModifier, `${at}.requestHeaderModifier`)
    case 'ResponseHeaderModifier':
      return checkHeaderModifier(filter.responseHeaderModifier, `${at}.responseHeaderModifier`)
    case 'RequestRedirect':
      return checkRewrite(filter.requestRedirect, `${at}.requestRedirect`, allPrefixes)
    case 'URLRewrite': {
      const { hostname, hostToBackendHostname } = filter.urlRewrite
      const field = `${at}.urlRewrite.hostToBackendHostname`
      return [
        ...checkRewrite(filter.urlRewrite, `${at}.urlRewrite`, allPrefixes),
        ...(hostToBackendHostname && !forGateway ? violation(field, 'can only be set with MeshGateway') : []),
        ...(hostToBackendHostname && hostname !== undefined ? violation(field, 'cannot be set together with hostname') : []),
      ]
    }
    case 'RequestMirror':
      return [
        ...percent(`${at}.requestMirror.percentage`, filter.requestMirror.percentage),
        ...checkBackendRef(filter.requestMirror.backendRef, `${at}.requestMirror.backendRef`),
      ]
  }
}

function checkRewrite({ hostname, path }: { hostname?: string; path?: PathRewrite }, at: string, allPrefixes: boolean): Violation[] {
  return [
    ...(path?.type === 'ReplacePrefixMatch' && !allPrefixes
      ? violation(`${at}.path.replacePrefixMatch`, 'can only appear if all matches match a path prefix')
      : []),
    ...(hostname !== undefined && isIpAddress(hostname) ? violation(`${at}.hostname`, 'cannot be an IP address') : []),
  ]
}
