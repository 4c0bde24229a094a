import type { DiscoverySourceSpec } from '../../model/kinds/discovery-source.ts'

/** Tags that a thing must all have; each with this value, or any. */
export type TagFilter = readonly { readonly key: string; readonly value: string | undefined }[]

/**
 * By which tags AWS is asked, one question for each, so that not a whole account is read: those that `include` asks for, and where it asks for
 * none, the one with which a thing says itself that it wants to be in the mesh.
 */
export function tagFilters({ include }: Pick<DiscoverySourceSpec, 'include'>, otherwise: TagFilter): readonly TagFilter[] {
  const filters = (include ?? []).map(({ matchLabels }) => Object.entries(matchLabels ?? {}).map(([key, value]) => ({ key, value })))
  if (filters.length === 0) return [otherwise]
  return filters.map(filter => (filter.length === 0 ? otherwise : filter))
}
