import { formatKey, type Resource, type ResourceKey, type Revision } from '../model/resource.ts'

export type ResourceChange =
  /** `previous` is absent when the resource is new. */
  | { readonly kind: 'put'; readonly resource: Resource; readonly previous?: Resource }
  | { readonly kind: 'delete'; readonly key: ResourceKey; readonly previous: Resource; readonly revision: Revision }

/** What takes a reader from one state of the registry to a later one. At most one change for a key. */
export interface ChangeBatch {
  /** The registry's revision once all of this is applied. */
  readonly revision: Revision
  readonly changes: readonly ResourceChange[]
}

export function keyOfChange(change: ResourceChange): ResourceKey {
  return change.kind === 'put' ? change.resource : change.key
}

/**
 * Several batches as one, for a reader that comes late: the newest state of each key, `previous` as that reader knew it. What came and
 * went in between is left out.
 */
export function mergeBatches(batches: readonly [ChangeBatch, ...ChangeBatch[]]): ChangeBatch {
  if (batches.length === 1) return batches[0]
  const newest = new Map<string, ResourceChange>()
  for (const { changes } of batches) {
    for (const change of changes) {
      const id = formatKey(keyOfChange(change))
      const earlier = newest.get(id)
      const merged = earlier ? mergeChanges(earlier, change) : change
      newest.delete(id)
      if (merged) newest.set(id, merged)
    }
  }
  return { revision: batches.at(-1)!.revision, changes: [...newest.values()] }
}

function mergeChanges(earlier: ResourceChange, later: ResourceChange): ResourceChange | undefined {
  const known = earlier.previous
  if (later.kind === 'put') return known ? { ...later, previous: known } : { kind: 'put', resource: later.resource }
  return known && { ...later, previous: known }
}
