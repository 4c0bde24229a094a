import type { HeaderMatcher, QueryParameterMatcher, RouteMatch } from '../../gen/envoy/config/route/v3/route_components_pb.js'
import type { Reasons } from './compiled.ts'
import type { HeaderRule, Route } from './table.ts'
import { escapeRegex, regexOf, type TextRule, textRule } from './values.ts'

export type CompiledMatch = Pick<Route, 'path' | 'methods' | 'headers' | 'query'>

export function compileMatch(match: RouteMatch | undefined, path: string, reasons: Reasons): CompiledMatch {
  const headers: HeaderRule[] = []
  let methods: Set<string> | null = null
  for (const [index, matcher] of (match?.headers ?? []).entries()) {
    const at = `${path}.headers[${index}]`
    if (matcher.name === ':method') methods = intersect(methods, methodsOf(matcher, at, reasons))
    else headers.push(headerRule(matcher, at, reasons))
  }
  const query = (match?.queryParameters ?? []).map((matcher, index) => queryRule(matcher, `${path}.query_parameters[${index}]`, reasons))
  return { path: pathRule(match, path, reasons), methods, headers, query }
}

function pathRule(match: RouteMatch | undefined, path: string, reasons: Reasons): Route['path'] {
  const specifier = match?.pathSpecifier
  const caseless = match?.caseSensitive === false
  switch (specifier?.case) {
    case 'path':
      return caseless ? pattern(escapeRegex(specifier.value), 'i') : { kind: 'exact', value: specifier.value }
    case 'pathSeparatedPrefix':
      return caseless ? pattern(`${escapeRegex(specifier.value)}(?:/[\\s\\S]*)?`, 'i') : { kind: 'prefix', value: specifier.value }
    case 'prefix':
      // Envoy's plain prefix knows no segments, `/a` matches `/ab`; the table's does. Only "everything" is the same in both.
      if (specifier.value === '/' || specifier.value === '') return { kind: 'prefix', value: '/' }
      return pattern(`${escapeRegex(specifier.value)}[\\s\\S]*`, caseless ? 'i' : '')
    case 'safeRegex':
      return { kind: 'regex', value: regexOf(specifier.value, `${path}.safe_regex`, reasons) ?? /^$/ }
    default:
      reasons.add(path, 'needs prefix, path, path_separated_prefix or safe_regex')
      return { kind: 'prefix', value: '/' }
  }
}

/** Regular expressions in the table match the whole text. */
function pattern(source: string, flags: string): Route['path'] {
  return { kind: 'regex', value: new RegExp(`^${source}$`, flags) }
}

/** A list of methods, however it is said: exactly one, or a regular expression that is only alternatives. */
function methodsOf(matcher: HeaderMatcher, path: string, reasons: Reasons): Set<string> {
  const said = textOf(matcher, path, reasons)
  if (!matcher.invertMatch && said?.kind === 'exact') return new Set([said.value])
  const source = said?.kind === 'regex' ? said.value.source : ''
  // `regexOf` put its own ^(?:…)$ around what was given.
  const inner = source.replace(/^\^\(\?:/, '').replace(/\)\$$/, '')
  const alternatives = /^\^?(?:\((?:\?:)?)?([A-Z]+(?:\|[A-Z]+)*)\)?\$?$/.exec(inner)
  if (!matcher.invertMatch && alternatives) return new Set(alternatives[1]!.split('|'))
  reasons.add(path, 'the method must be exact, or a regular expression of alternatives such as ^(GET|HEAD)$')
  return new Set()
}

function intersect(before: Set<string> | null, now: Set<string>): Set<string> {
  return before === null ? now : new Set([...before].filter(method => now.has(method)))
}

function headerRule(matcher: HeaderMatcher, path: string, reasons: Reasons): HeaderRule {
  const rule = { name: matcher.name.toLowerCase(), invert: matcher.invertMatch }
  if (matcher.name === '' || matcher.name.startsWith(':'))
    reasons.add(`${path}.name`, `${JSON.stringify(matcher.name)} cannot be matched by this proxy`)
  const specifier = matcher.headerMatchSpecifier
  if (specifier.case === 'presentMatch') return { ...rule, kind: specifier.value ? 'present' : 'absent', value: '' }
  // Without a specifier Envoy asks only whether the header is there.
  if (specifier.case === undefined) return { ...rule, kind: 'present', value: '' }
  const text = textOf(matcher, path, reasons)
  return text ? { ...rule, ...text } : { ...rule, kind: 'present', value: '' }
}

function textOf(matcher: HeaderMatcher, path: string, reasons: Reasons): TextRule | null {
  const specifier = matcher.headerMatchSpecifier
  switch (specifier.case) {
    case 'exactMatch':
      return { kind: 'exact', value: specifier.value }
    case 'prefixMatch':
      return { kind: 'prefix', value: specifier.value }
    case 'suffixMatch':
      return { kind: 'regex', value: new RegExp(`^[\\s\\S]*${escapeRegex(specifier.value)}$`) }
    case 'containsMatch':
      return { kind: 'regex', value: new RegExp(`^[\\s\\S]*${escapeRegex(specifier.value)}[\\s\\S]*$`) }
    case 'safeRegexMatch':
      return { kind: 'regex', value: regexOf(specifier.value, `${path}.safe_regex_match`, reasons) ?? /^$/ }
    case 'stringMatch':
      return textRule(specifier.value, `${path}.string_match`, reasons)
    default:
      reasons.add(path, 'needs a way to compare')
      return null
  }
}

function queryRule(matcher: QueryParameterMatcher, path: string, reasons: Reasons): Route['query'][number] {
  const specifier = matcher.queryParameterMatchSpecifier
  if (specifier.case === 'stringMatch') {
    const text = textRule(specifier.value, `${path}.string_match`, reasons)
    if (text.kind === 'prefix') return { name: matcher.name, kind: 'regex', value: new RegExp(`^${escapeRegex(text.value)}[\\s\\S]*$`) }
    return { name: matcher.name, kind: text.kind, value: text.value }
  }
  if (specifier.case === 'presentMatch' && !specifier.value) reasons.add(`${path}.present_match`, 'false is not supported by this proxy')
  return { name: matcher.name, kind: 'regex', value: /^[\s\S]*$/ }
}
