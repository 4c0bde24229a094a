import { OrderedIndex } from './ordered-index.ts'

/** What lists of a sort of row can be filtered and sorted by. */
export interface TableShape<Row> {
  readonly id: (row: Row) => string
  /** '' = of no mesh. */
  readonly mesh: (row: Row) => string
  /** What `q` searches in. */
  readonly text: (row: Row) => string
  readonly filters: Readonly<Record<string, (row: Row) => string | readonly string[]>>
  readonly sorts: Readonly<Record<string, (row: Row) => string | number | null>>
  /** As in `sort=`. */
  readonly order: string
  /** Never many rows: looking at each costs less than keeping an index for every filter. */
  readonly isSmall?: boolean
}

export interface TableQuery {
  /** All of them, each with any of its values. */
  readonly filters: ReadonlyMap<string, readonly string[]>
  readonly q: string | undefined
  /** `-healthy,name`: fields of `sorts`. */
  readonly sort: string | undefined
  readonly offset: number
  readonly size: number
  /** undefined = everything. */
  readonly visible: Visibility | undefined
}

/** What somebody may see who may not see everything: what is in these meshes, and nothing that is of no mesh. */
export interface Visibility {
  readonly meshes: ReadonlySet<string>
}

/** Orders that people ask for again and again are kept up to date; the least recently asked for is dropped beyond so many. */
const keptOrders = 6

/**
 * Rows by id, with an index for every filter and for every order that was asked for: a change costs the indexes it is in, a page without
 * filters its own rows, and one with filters the rows of the rarest filter.
 */
export class Table<Row> {
  readonly shape: TableShape<Row>
  readonly #rows = new Map<string, Row>()
  /** Field → value → ids; of names and the like each value has but one, and a set for each of those would be most of the table. */
  readonly #facets: ReadonlyMap<string, Map<string, string | Set<string>>>
  readonly #orders = new Map<string, OrderedIndex<Row>>()

  constructor(shape: TableShape<Row>) {
    this.shape = shape
    this.#facets = new Map(shape.isSmall ? [] : Object.keys(shape.filters).map(field => [field, new Map()]))
  }

  get size(): number {
    return this.#rows.size
  }

  get(id: string): Row | undefined {
    return this.#rows.get(id)
  }

  values(): IterableIterator<Row> {
    return this.#rows.values()
  }

  /** Ids of the rows with this value, of a table that is not small. */
  idsWith(field: string, value: string): ReadonlySet<string> {
    const ids = this.#facets.get(field)?.get(value) ?? nothing
    return typeof ids === 'string' ? new Set([ids]) : ids
  }

  /** Every value that a row has in this field, of a table that is not small. */
  valuesOf(field: string): Iterable<string> {
    return this.#facets.get(field)?.keys() ?? []
  }

  /** false = it is equal to what is there. */
  put(row: Row): boolean {
    const id = this.shape.id(row)
    const previous = this.#rows.get(id)
    if (previous !== undefined && isSame(previous, row)) return false
    this.#rows.set(id, row)
    this.#index(id, previous, row)
    return true
  }

  delete(id: string): Row | undefined {
    const previous = this.#rows.get(id)
    if (previous === undefined) return undefined
    this.#rows.delete(id)
    this.#index(id, previous, undefined)
    return previous
  }

  query({ filters, q, sort, offset, size, visible }: TableQuery): { readonly total: number; readonly rows: readonly Row[] } {
    const order = sort ?? this.shape.order
    const isWanted = this.#predicate(filters, q, visible)
    if (!isWanted) return { total: this.#rows.size, rows: this.#order(order).slice(offset, size) }
    const narrow = this.#narrowest(filters)
    const found =
      narrow && narrow.length * 4 < this.#rows.size
        ? narrow
            .map(id => this.#rows.get(id)!)
            .filter(isWanted)
            .sort(this.#compare(order))
        : [...this.#order(order)].filter(isWanted)
    return { total: found.length, rows: found.slice(offset, offset + size) }
  }

  #index(id: string, previous: Row | undefined, next: Row | undefined): void {
    for (const [field, values] of this.#facets) {
      const valuesOf = this.shape.filters[field]!
      const [old, now] = [previous && valuesOf(previous), next && valuesOf(next)]
      if (old === now) continue
      const before = old === undefined ? [] : listOf(old)
      const after = now === undefined ? [] : listOf(now)
      for (const value of before) {
        if (after.includes(value)) continue
        const ids = values.get(value)
        if (ids === id) values.delete(value)
        else if (typeof ids === 'object' && ids.delete(id) && ids.size === 0) values.delete(value)
      }
      for (const value of after) {
        const ids = values.get(value)
        if (ids === undefined) values.set(value, id)
        else if (typeof ids === 'object') ids.add(id)
        else if (ids !== id) values.set(value, new Set([ids, id]))
      }
    }
    for (const order of this.#orders.values()) {
      if (previous !== undefined) order.delete(previous)
      if (next !== undefined) order.add(next)
    }
  }

  #predicate(filters: TableQuery['filters'], q: string | undefined, visible: TableQuery['visible']): ((row: Row) => boolean) | undefined {
    const { shape } = this
    const tests: ((row: Row) => boolean)[] = [...filters].map(([field, wanted]) => {
      const valuesOf = shape.filters[field]!
      return row => listOf(valuesOf(row)).some(value => wanted.includes(value))
    })
    if (q !== undefined && q !== '') {
      const part = q.toLowerCase()
      tests.push(row => shape.text(row).toLowerCase().includes(part))
    }
    if (visible) tests.push(row => isVisible(shape.mesh(row), visible))
    return tests.length === 0 ? undefined : row => tests.every(holds => holds(row))
  }

  /** Ids that the filter with the fewest rows leaves; undefined = no filter, or none that has an index. */
  #narrowest(filters: TableQuery['filters']): readonly string[] | undefined {
    let best: readonly ReadonlySet<string>[] | undefined
    let least = Number.POSITIVE_INFINITY
    for (const [field, wanted] of filters) {
      if (!this.#facets.has(field)) continue
      const sets = [...new Set(wanted)].map(value => this.idsWith(field, value))
      const size = sets.reduce((sum, set) => sum + set.size, 0)
      if (size < least) [best, least] = [sets, size]
    }
    return best && [...new Set(best.flatMap(set => [...set]))]
  }

  #order(sort: string): OrderedIndex<Row> {
    const known = this.#orders.get(sort)
    const order = known ?? new OrderedIndex(this.#compare(sort), this.#rows.values())
    this.#orders.delete(sort)
    this.#orders.set(sort, order)
    for (const oldest of this.#orders.keys()) {
      if (this.#orders.size <= keptOrders) break
      if (oldest !== this.shape.order) this.#orders.delete(oldest)
    }
    return order
  }

  /** By the fields of `sort`, then by id; what has no value stands last. */
  #compare(sort: string): (a: Row, b: Row) => number {
    const { sorts, id } = this.shape
    const fields = sort.split(',').map(field => ({ value: sorts[field.replace(/^-/, '')]!, sign: field.startsWith('-') ? -1 : 1 }))
    return (a, b) => {
      for (const { value, sign } of fields) {
        const [left, right] = [value(a), value(b)]
        if (left === right) continue
        if (left === null) return 1
        if (right === null) return -1
        return left < right ? -sign : sign
      }
      const [left, right] = [id(a), id(b)]
      return left < right ? -1 : left > right ? 1 : 0
    }
  }
}

const nothing: ReadonlySet<string> = new Set()

/** @param mesh '' = of none */
export function isVisible(mesh: string, visible: Visibility | undefined): boolean {
  return visible === undefined || visible.meshes.has(mesh)
}

function listOf(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value
}

/** Of plain JSON, with its fields in the same order. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  const [left, right] = [Object.values(a), Object.values(b)]
  if (left.length !== right.length) return false
  const names = Array.isArray(a) ? undefined : [Object.keys(a), Object.keys(b)]
  return left.every((value, at) => isSame(value, right[at]) && (names === undefined || names[0]![at] === names[1]![at]))
}
