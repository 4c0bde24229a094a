/** A filter of a network or HTTP filter chain, in JSON. */
export interface Filter {
  readonly name?: string
  readonly typedConfig?: object
}

export interface FilterChange {
  readonly operation: 'Remove' | 'Patch' | 'AddFirst' | 'AddBefore' | 'AddAfter' | 'AddLast'
  /** Of the filter that is meant, or beside which another is put; undefined = any. */
  readonly name: string | undefined
  /** What is added. */
  readonly added: Filter | null
  readonly patch: (filter: Filter) => Filter
}

/** The filters of a chain after the change; the same list where it has nothing to do with this chain. */
export function patchFilters(filters: readonly Filter[], { operation, name, added, patch }: FilterChange): readonly Filter[] {
  const isMeant = (filter: Filter) => name === undefined || filter.name === name
  if (added !== null) {
    if (operation === 'AddFirst') return [added, ...filters]
    if (operation === 'AddLast') return [...filters, added]
  }
  if (!filters.some(isMeant)) return filters
  switch (operation) {
    case 'Remove':
      return filters.filter(filter => !isMeant(filter))
    case 'Patch':
      return filters.map(filter => (isMeant(filter) ? patch(filter) : filter))
    case 'AddBefore':
      return filters.flatMap(filter => (isMeant(filter) && added ? [added, filter] : [filter]))
    case 'AddAfter':
      return filters.flatMap(filter => (isMeant(filter) && added ? [filter, added] : [filter]))
    default:
      return filters
  }
}
