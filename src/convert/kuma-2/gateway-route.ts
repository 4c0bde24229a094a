import { displayNameLabel } from '../../model/labels.ts'
import type { Field } from '../field.ts'
import { backendByTags } from './backend-ref.ts'
import { legacySelectors } from './legacy-selectors.ts'
import { moveFields } from './move-fields.ts'
import type { Output } from './output.ts'
import { everyPath } from './route.ts'
import type { Source } from './source.ts'
import { tagsOf } from './tags.ts'
import type { Targeted } from './targeted.ts'
import type { World } from './world.ts'

/** A MeshGatewayRoute: a MeshHTTPRoute (or MeshTCPRoute) for the listeners that its selectors match. */
export function convertGatewayRoute(source: Source, world: World, out: Output): void {
  const http = source.spec.at('conf', 'http')
  const rules = (source.spec.at('conf', http === undefined ? 'tcp' : 'http', 'rules')?.items() ?? []).flatMap(rule =>
    readRule(rule, http !== undefined, source, world, out),
  )
  if (rules.length === 0) {
    source.root.drop('none of its rules is left: see its fields')
    return
  }
  const hostnames = http?.member('hostnames')
  const to = [{ targetRef: { kind: 'Mesh' }, ...(hostnames === undefined ? {} : { hostnames: hostnames.keep() }), rules }]
  for (const match of legacySelectors(source, 'selectors')) {
    const refs = listenersFor(match, source.mesh, world)
    if (refs.length === 0) match.drop('no MeshGateway among the objects has a listener with these tags')
    else match.keep('as the MeshGateway and its listener')
    for (const targetRef of refs)
      out.add(source, { kind: http === undefined ? 'MeshTCPRoute' : 'MeshHTTPRoute', spec: { targetRef, to }, field: match })
  }
}

/** Gateways whose own tags (of what selects their proxies, of themselves, of a listener) hold all that a route asks for. */
function listenersFor(match: Field, mesh: string, world: World): object[] {
  const wanted = Object.entries(tagsOf(match))
  return world.gateways(mesh).flatMap(gateway => {
    const fits = gateway.listeners.filter(listener =>
      gateway.selectors.some(selector => {
        const tags = { ...tagsOf(selector), ...listener.tags }
        return wanted.every(([tag, value]) => value === '*' || tags[tag] === value)
      }),
    )
    const ref = { kind: 'MeshGateway', labels: { [displayNameLabel]: gateway.name } }
    if (fits.length === gateway.listeners.length && fits.length > 0) return [ref]
    return fits.map(({ name }) => ({ ...ref, sectionName: name }))
  })
}

function readRule(rule: Field, isHttp: boolean, source: Source, world: World, out: Output): object[] {
  const backends = (rule.member('backends')?.items() ?? []).map(item => readBackend(item, source, world, out))
  const filters = (rule.member('filters')?.items() ?? []).map(item => readFilter(item, source, world, out))
  const wrong = [...backends, ...filters].find(it => it.kind === 'impossible')
  if (wrong?.kind === 'impossible') {
    rule.drop(wrong.why)
    return []
  }
  const values = (list: readonly Targeted<object>[]) => list.flatMap(it => (it.kind === 'ok' ? [it.value] : []))
  const conf = {
    ...(filters.length > 0 ? { filters: values(filters) } : {}),
    ...(backends.length > 0 ? { backendRefs: values(backends) } : {}),
  }
  if (!isHttp) return [{ default: conf }]
  const matches = (rule.member('matches')?.items() ?? []).map(readMatch)
  return [{ matches: matches.length === 0 ? [everyPath] : matches, default: conf }]
}

function readBackend(item: Field, source: Source, world: World, out: Output): Targeted<object> {
  const destination = item.member('destination')
  if (destination === undefined) return { kind: 'impossible', why: 'a backend has no destination' }
  const found = backendByTags(destination, source, world, out)
  if (found.kind === 'impossible') return found
  const weight = item.member('weight')?.keep()
  return { kind: 'ok', value: { ...found.value, ...(weight === undefined ? {} : { weight }) } }
}

const matchTypes: Readonly<Record<string, string>> = {
  EXACT: 'Exact',
  PREFIX: 'PathPrefix',
  REGEX: 'RegularExpression',
  ABSENT: 'Absent',
  PRESENT: 'Present',
}

function readMatch(item: Field): object {
  const typed = (field: Field) => {
    const type = matchTypes[String(field.member('match')?.keep() ?? 'EXACT')]
    const [name, value] = [field.member('name')?.keep(), field.member('value')?.keep()]
    return { type, ...(name === undefined ? {} : { name }), ...(value === undefined ? {} : { value }) }
  }
  const lower = (field: Field) => {
    const match = typed(field)
    return { ...match, name: String(match.name).toLowerCase() }
  }
  const method = item.member('method')?.keep()
  const path = item.member('path')
  const lists = { headers: item.member('headers')?.items().map(lower), queryParams: item.member('queryParameters')?.items().map(typed) }
  const { type, value } = path === undefined ? everyPath.path : typed(path)
  const trimmed = type === 'PathPrefix' ? String(value).replace(/(.)[/]$/, '$1') : value
  return {
    path: { type, value: trimmed },
    ...(method === undefined ? {} : { method }),
    ...Object.fromEntries(Object.entries(lists).filter(([, list]) => list !== undefined && list.length > 0)),
  }
}

function readFilter(item: Field, source: Source, world: World, out: Output): Targeted<object> {
  const [[sort, field] = []] = item.members()
  if (sort === undefined || field === undefined) return { kind: 'impossible', why: 'a filter says nothing' }
  switch (sort) {
    case 'requestHeader':
    case 'request_header':
      return headers(field, 'RequestHeaderModifier', 'requestHeaderModifier')
    case 'responseHeader':
    case 'response_header':
      return headers(field, 'ResponseHeaderModifier', 'responseHeaderModifier')
    case 'mirror': {
      const backend = field.member('backend')
      const found = backend === undefined ? undefined : readBackend(backend, source, world, out)
      if (found === undefined || found.kind === 'impossible') return found ?? { kind: 'impossible', why: 'it mirrors to nothing' }
      const percentage = field.member('percentage')?.keep()
      const share = typeof percentage === 'number' && !Number.isInteger(percentage) ? String(percentage) : percentage
      const requestMirror = { ...(share === undefined ? {} : { percentage: share }), backendRef: found.value }
      return { kind: 'ok', value: { type: 'RequestMirror', requestMirror } }
    }
    case 'redirect': {
      const path = rewriteOf(field.member('path'))
      const moved = moveFields(
        field,
        ['scheme', 'hostname', 'port', 'statusCode'].map(name => ({ from: name, to: name })),
      )
      return { kind: 'ok', value: { type: 'RequestRedirect', requestRedirect: { ...moved, ...path } } }
    }
    case 'rewrite': {
      const moved = moveFields(field, [{ from: 'hostToBackendHostname', to: 'hostToBackendHostname' }])
      return { kind: 'ok', value: { type: 'URLRewrite', urlRewrite: { ...moved, ...rewriteOf(field) } } }
    }
    default:
      return { kind: 'impossible', why: `there is no filter ${sort}` }
  }
}

function headers(field: Field, type: string, member: string): Targeted<object> {
  const list = (name: string) => {
    const items = field.member(name)?.items() ?? []
    for (const item of items) item.keep()
    const lower = items.map(item =>
      typeof item.value === 'string' ? item.value.toLowerCase() : { ...(item.value as object), name: item.text('name')?.toLowerCase() },
    )
    return lower.length > 0 ? { [name]: lower } : {}
  }
  return { kind: 'ok', value: { type, [member]: { ...list('set'), ...list('add'), ...list('remove') } } }
}

function rewriteOf(field: Field | undefined): object {
  const full = field?.member('replaceFull')
  const prefix = field?.member('replacePrefixMatch')
  if (full !== undefined) return { path: { type: 'ReplaceFullPath', replaceFullPath: full.keep() } }
  return prefix === undefined ? {} : { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: prefix.keep() } }
}
