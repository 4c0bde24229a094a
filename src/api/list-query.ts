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
}

export type ReadQuery =
  | { readonly kind: 'ok'; readonly query: ListQuery }
  | { readonly kind: 'invalid'; readonly violations: readonly Violation[] }

const DEFAULT_SIZE = 100
const MAX_SIZE = 1000
const LABEL_FILTER = /^filter\[labels\.(.+)\]$/

/** Reads `size`, `offset`, `name`, `filter[labels.k]=v` and Kuma's older `tag=k:v`. `route` stands before the field names, as Kuma has it. */
export function readListQuery(parameters: Readonly<Record<string, unknown>>, route: string): ReadQuery {
  const violations: Violation[] = []
  const labels: [string, string][] = []
  const numberOf = (field: string, fallback: number, max: number) => {
    const text = one(parameters[field])
    if (text === undefined) return fallback
    if (/^\d{1,9}$/.test(text) && Number(text) <= max && (field === 'offset' || Number(text) > 0)) return Number(text)
    violations.push({ field, reason: field === 'size' ? `must be a number from 1 to ${MAX_SIZE}` : 'must be a whole number, as in `next`' })
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
  const size = numberOf('size', DEFAULT_SIZE, MAX_SIZE)
  const offset = numberOf('offset', 0, 999_999_999)
  if (violations.length > 0) return { kind: 'invalid', violations }
  return { kind: 'ok', query: { size, offset, name: one(parameters.name), labels } }
}

export function matches(resource: Resource, { name, labels }: Pick<ListQuery, 'name' | 'labels'>): boolean {
  return (name === undefined || resource.name.includes(name)) && labels.every(([label, value]) => resource.labels[label] === value)
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
  next.searchParams.set('offset', String(offset))
  return next.href
}

function one(value: unknown): string | undefined {
  const text = Array.isArray(value) ? value.at(-1) : value
  return typeof text === 'string' && text !== '' ? text : undefined
}

function all(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).filter(text => typeof text === 'string')
}
