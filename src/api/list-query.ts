import type { Violation } from '../model/kind.ts'
import type { Resource } from '../model/resource.ts'

/** What a list request asks for. */
export interface ListQuery {
  readonly size: number
  readonly offset: number
  /** Part of the name. */
  readonly name: string | undefined
  /** All of these labels with these values. */
  readonly labels: readonly (readonly [label: string, value: string])[]
  /** Of Dataplanes: only those that are gateways, or only those that are not. */
  readonly gateway: boolean | undefined
}

export type ReadQuery =
  | { readonly kind: 'ok'; readonly query: ListQuery }
  | { readonly kind: 'invalid'; readonly detail: string; readonly violations: readonly Violation[] }

const DEFAULT_SIZE = 100
const MAX_SIZE = 1000
const LABEL_FILTER = /^filter\[labels\.(.+)\]$/

/** Reads `size`, `offset`, `name`, `filter[labels.k]=v` and, for Dataplanes, `tag=k:v` and `gateway=true|false|delegated`. `route` stands before
 *  the names of filters, as Kuma has it. */
export function readListQuery(parameters: Readonly<Record<string, unknown>>, route: string): ReadQuery {
  const violations: Violation[] = []
  const labels: [string, string][] = []
  const numberOf = (field: 'size' | 'offset', fallback: number) => {
    const text = one(parameters[field])
    if (text === undefined) return fallback
    const wrong = field === 'size' ? wrongSize(text) : /^\d{1,9}$/.test(text) ? undefined : 'must be a whole number, as in `next`'
    if (wrong === undefined) return Number(text)
    violations.push({ field, reason: wrong })
    return fallback
  }
  for (const [field, value] of Object.entries(parameters)) {
    const label = LABEL_FILTER.exec(field)?.[1]
    if (label !== undefined) labels.push(...all(value).map((text): [string, string] => [label, text]))
    else if (field.startsWith('filter')) violations.push({ field: `${route}.${field}`, reason: 'filters are only supported on labels' })
  }
  for (const tag of all(parameters.tag)) {
    const colon = tag.indexOf(':')
    if (colon > 0) labels.push([tag.slice(0, colon), tag.slice(colon + 1)])
    else violations.push({ field: 'tag', reason: 'must be written as key:value' })
  }
  const kindOfProxy = one(parameters.gateway)
  if (kindOfProxy !== undefined && !['true', 'false', 'delegated'].includes(kindOfProxy)) {
    violations.push({ field: `${route}.gateway`, reason: `should use \`true\`, \`false\` or \`delegated\` instead of ${kindOfProxy}` })
  }
  const wrongFilters = violations.length
  const size = numberOf('size', DEFAULT_SIZE)
  const offset = numberOf('offset', 0)
  if (violations.length > 0)
    return { kind: 'invalid', detail: wrongFilters === 0 ? 'Invalid page size' : 'Resource is not valid', violations }
  const gateway = kindOfProxy === undefined ? undefined : kindOfProxy !== 'false'
  return { kind: 'ok', query: { size, offset, name: one(parameters.name), labels, gateway } }
}

/** Kuma's words. undefined = it will do. */
function wrongSize(text: string): string | undefined {
  if (!/^-?\d+$/.test(text)) return 'invalid format'
  if (Number(text) <= 0) return 'must be greater than 0'
  return Number(text) > MAX_SIZE ? `invalid page size of ${text}. Maximum page size is ${MAX_SIZE}` : undefined
}

/** What filters look at. */
export type Listed = Pick<Resource, 'kind' | 'name' | 'labels'> & { readonly spec?: unknown }

/** Does the request want less than everything? */
export function isFiltered({ name, labels, gateway }: ListQuery): boolean {
  return name !== undefined || labels.length > 0 || gateway !== undefined
}

export function matches(resource: Listed, { name, labels, gateway }: Pick<ListQuery, 'name' | 'labels' | 'gateway'>): boolean {
  return (
    (name === undefined || resource.name.includes(name)) &&
    labels.every(([label, value]) => resource.labels[label] === value) &&
    (gateway === undefined || resource.kind !== 'Dataplane' || isGateway(resource) === gateway)
  )
}

function isGateway(resource: Listed): boolean {
  return (resource.spec as { readonly networking?: { readonly gateway?: unknown } }).networking?.gateway !== undefined
}

export interface Page<T> {
  readonly total: number
  readonly items: readonly T[]
  /** The whole URL of the next page. */
  readonly next: string | null
}

/** `url` is this request's own, whole. */
export function pageOf<T, R>(
  found: readonly T[],
  { size, offset }: Pick<ListQuery, 'size' | 'offset'>,
  url: string,
  show: (item: T) => R,
): Page<R> {
  const end = offset + size
  return { total: found.length, items: found.slice(offset, end).map(show), next: end < found.length ? withOffset(url, end) : null }
}

function withOffset(url: string, offset: number): string {
  const next = new URL(url)
  // The next page is not what a blocking read waits for.
  for (const parameter of ['index', 'wait']) next.searchParams.delete(parameter)
  next.searchParams.set('offset', String(offset))
  next.searchParams.sort()
  return next.href
}

function one(value: unknown): string | undefined {
  const text = Array.isArray(value) ? value.at(-1) : value
  return typeof text === 'string' && text !== '' ? text : undefined
}

function all(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).filter(text => typeof text === 'string')
}
