import { unknownField } from '../model/check-schema.ts'
import { isObject } from '../model/is-object.ts'
import type { Violation } from '../model/kind.ts'
import { kindByName } from '../model/kinds/index.ts'
import { fromWire, ownsMesh } from '../model/wire.ts'
import type { Target } from './plan-put.ts'
import type { ConditionHeaders } from './preconditions.ts'

/** One write of a bulk. `index` is its place in the body, `field` what stands before the names of its fields in messages. */
export type BulkItem = { readonly index: number; readonly target: Target; readonly headers: ConditionHeaders } & (
  | { readonly kind: 'put'; readonly resource: unknown }
  | { readonly kind: 'delete'; readonly ignoreNotFound: boolean }
)

export type ReadBulk =
  | { readonly kind: 'ok'; readonly items: readonly BulkItem[] }
  | { readonly kind: 'invalid'; readonly violations: readonly Violation[] }

const fieldsOf = { put: ['resource', 'ifMatch', 'ifNoneMatch'], delete: ['delete', 'ifMatch', 'ignoreNotFound'] } as const

/**
 * Reads `{items: [{resource, ifMatch?, ifNoneMatch?} | {delete: {type, mesh?, name}, ifMatch?, ignoreNotFound?}]}`. Collects what is wrong
 * with the envelopes; what is wrong inside a resource is `planPut`'s to say, unless its type or name cannot even be read.
 */
export function readBulk(body: unknown, limit: number): ReadBulk {
  if (!isObject(body) || !Array.isArray(body.items)) {
    return invalid([{ field: 'items', reason: 'must be a list of {"resource": {...}} and {"delete": {"type", "mesh", "name"}}' }])
  }
  const given: readonly unknown[] = body.items
  if (given.length > limit) {
    return invalid([{ field: 'items', reason: `has ${given.length} items, at most ${limit} are taken at once: send several requests` }])
  }
  const violations: Violation[] = Object.keys(body)
    .filter(field => field !== 'items')
    .map(field => ({ field, reason: unknownField(field, ['items']) }))
  const items = given.flatMap((item, index) => readItem(item, index, violations))
  violations.push(...repeated(items))
  return violations.length > 0 ? invalid(violations) : { kind: 'ok', items }
}

function readItem(item: unknown, index: number, violations: Violation[]): BulkItem[] {
  const at = `items[${index}]`
  if (!isObject(item) || (item.resource === undefined) === (item.delete === undefined)) {
    violations.push({ field: at, reason: 'must have either a resource or a delete' })
    return []
  }
  const kind = item.resource === undefined ? 'delete' : 'put'
  const before = violations.length
  for (const field of Object.keys(item)) {
    if (!(fieldsOf[kind] as readonly string[]).includes(field))
      violations.push({ field: `${at}.${field}`, reason: unknownField(field, fieldsOf[kind]) })
  }
  const headers = { ...conditionOf(item, 'ifMatch', at, violations), ...conditionOf(item, 'ifNoneMatch', at, violations) }
  const { ignoreNotFound = false } = item
  if (typeof ignoreNotFound !== 'boolean') violations.push({ field: `${at}.ignoreNotFound`, reason: 'must be true or false' })
  const field = kind === 'put' ? `${at}.resource` : `${at}.delete`
  const target = targetOf(kind === 'put' ? item.resource : item.delete, field, violations)
  if (violations.length > before || !target) return []
  return kind === 'put'
    ? [{ kind, index, target, headers, resource: item.resource }]
    : [{ kind, index, target, headers, ignoreNotFound: ignoreNotFound === true }]
}

/** What stands in `type`, `mesh` and `name`. Where they do not name anything the whole resource is read, so that all that is wrong with it is told. */
function targetOf(named: unknown, field: string, violations: Violation[]): Target | undefined {
  const { type, mesh = '', name } = isObject(named) ? named : {}
  const kind = typeof type === 'string' ? kindByName(type) : undefined
  const isOfMesh = kind?.scope === 'mesh'
  const isPlaced = typeof mesh === 'string' && (isOfMesh === (mesh !== '') || (kind !== undefined && ownsMesh(kind)))
  if (kind && typeof name === 'string' && name !== '' && isPlaced) return { kind, mesh: isOfMesh ? mesh : '', name }
  const read = fromWire(named, { strict: true })
  const wrong = read.kind === 'invalid' ? read.violations : [{ field: 'name', reason: 'must be set' }]
  violations.push(
    ...wrong.map(violation => ({ field: violation.field === '' ? field : `${field}.${violation.field}`, reason: violation.reason })),
  )
  return undefined
}

/** An ETag, or the revision in it. */
function conditionOf(item: Readonly<Record<string, unknown>>, field: 'ifMatch' | 'ifNoneMatch', at: string, violations: Violation[]) {
  const value = item[field]
  if (value === undefined) return {}
  const text = typeof value === 'number' ? String(value) : value
  if (typeof text !== 'string' || text === '') {
    violations.push({ field: `${at}.${field}`, reason: 'must be an ETag as answers have it, a revision, or "*"' })
    return {}
  }
  return { [field === 'ifMatch' ? 'if-match' : 'if-none-match']: /^\d+$/.test(text) ? `"${text}"` : text }
}

function repeated(items: readonly BulkItem[]): Violation[] {
  const first = new Map<string, number>()
  return items.flatMap(({ index, target: { kind, mesh, name } }) => {
    const key = `${kind.kind}/${mesh}/${name}`
    const earlier = first.get(key)
    if (earlier === undefined) {
      first.set(key, index)
      return []
    }
    return [{ field: `items[${index}]`, reason: `${kind.kind} '${name}' is named by items[${earlier}] already: leave one of the two` }]
  })
}

function invalid(violations: readonly Violation[]): ReadBulk {
  return { kind: 'invalid', violations }
}
