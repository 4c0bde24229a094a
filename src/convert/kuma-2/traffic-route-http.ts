import type { Field } from '../field.ts'
import { everyPath } from './route.ts'
import type { Targeted } from './targeted.ts'

const pathTypes = { prefix: 'PathPrefix', exact: 'Exact', regex: 'RegularExpression' } as const
const headerTypes = { prefix: 'Prefix', exact: 'Exact', regex: 'RegularExpression' } as const

/** What a request must be like. */
export function readMatch(field: Field | undefined): Targeted<object> {
  const method = field?.member('method')
  const path = field?.member('path')
  if (method !== undefined && method.member('exact') === undefined)
    return { kind: 'impossible', why: 'a method is matched as a whole only' }
  const headers = (field?.member('headers')?.members() ?? []).map(([name, matcher]) => ({
    name: name.toLowerCase(),
    ...matcherOf(matcher, headerTypes),
  }))
  const found = path === undefined ? everyPath.path : matcherOf(path, pathTypes)
  // Prefixes were texts; now they end at a slash or at the end of the path.
  if (found.type === 'PathPrefix' && found.value !== '/') path?.approximate('a prefix ends where a segment of the path does')
  const value = found.type === 'PathPrefix' ? (found.value ?? '/').replace(/(.)[/]$/, '$1') : found.value
  return {
    kind: 'ok',
    value: {
      path: { type: found.type, value },
      ...(method === undefined ? {} : { method: method.keep() && method.text('exact') }),
      ...(headers.length > 0 ? { headers } : {}),
    },
  }
}

function matcherOf<T extends string>(field: Field, types: Readonly<Record<string, T>>): { type?: T; value?: string } {
  const [[sort, member] = []] = field.members()
  if (sort === undefined || member === undefined) return {}
  return { type: types[sort], value: String(member.keep()) }
}

/** What is changed in it, as filters. */
export function readModify(field: Field | undefined): Targeted<object[]> {
  if (field?.at('path', 'regex') !== undefined || field?.at('host', 'fromPath') !== undefined)
    return { kind: 'impossible', why: 'paths and hosts are not rewritten by expressions: only whole, or by prefix' }
  const prefix = field?.at('path', 'rewritePrefix')
  const host = field?.at('host', 'value')
  const rewrite = {
    ...(prefix === undefined ? {} : { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: prefix.keep('as URLRewrite') } }),
    ...(host === undefined ? {} : { hostname: host.keep('as URLRewrite') }),
  }
  const filters: object[] = Object.keys(rewrite).length > 0 ? [{ type: 'URLRewrite', urlRewrite: rewrite }] : []
  for (const [side, type] of [
    ['requestHeaders', 'RequestHeaderModifier'],
    ['responseHeaders', 'ResponseHeaderModifier'],
  ] as const) {
    const headers = field?.member(side)
    if (headers === undefined) continue
    headers.keep(`as ${type}`)
    const add = headers.member('add')?.items() ?? []
    const remove = (headers.member('remove')?.items() ?? []).map(it => (it.text('name') ?? '').toLowerCase())
    const named = (append: boolean) =>
      add
        .filter(it => (it.member('append')?.value === true) === append)
        .map(it => ({ name: (it.text('name') ?? '').toLowerCase(), value: it.text('value') ?? '' }))
    const [set, added] = [named(false), named(true)]
    filters.push({
      type,
      [type.charAt(0).toLowerCase() + type.slice(1)]: {
        ...(set.length > 0 ? { set } : {}),
        ...(added.length > 0 ? { add: added } : {}),
        ...(remove.length > 0 ? { remove } : {}),
      },
    })
  }
  return { kind: 'ok', value: filters }
}
