import type { KindDefinition } from '../../model/kind.ts'
import { formatAge } from './duration.ts'
import { type Overview, onlineState } from './overview.ts'
import type { Table } from './table.ts'
import { displayNameOf, fromWire, type WireObject, zoneOf } from './wire-object.ts'

export interface ResourceTableOptions {
  readonly wide: boolean
  readonly allMeshes: boolean
  readonly nowMs: number
  /** The same objects with their insights; undefined where a kind has none. */
  readonly overviews: readonly Overview[] | undefined
}

/** NAME, ZONE where objects have one, the kind's own columns, STATUS where there are overviews, AGE. */
export function resourceTable(
  kind: KindDefinition,
  items: readonly WireObject[],
  { wide, allMeshes, nowMs, overviews }: ResourceTableOptions,
): Table {
  const states = overviews && new Map(overviews.map(overview => [`${overview.mesh ?? ''}/${overview.name}`, onlineState(overview)]))
  const zoned = kind.kind !== 'Zone' && items.some(item => zoneOf(item) !== '')
  const columns: { readonly title: string; readonly value: (item: WireObject) => string }[] = [
    ...(allMeshes && kind.scope === 'mesh' ? [{ title: 'MESH', value: (item: WireObject) => item.mesh ?? '' }] : []),
    { title: 'NAME', value: displayNameOf },
    ...(zoned ? [{ title: 'ZONE', value: zoneOf }] : []),
    ...(kind.columns ?? []).map(({ title, value }) => ({
      title,
      value: (item: WireObject) => cell(() => value(fromWire(kind, item) as never)),
    })),
    ...(states ? [{ title: 'STATUS', value: (item: WireObject) => states.get(`${item.mesh ?? ''}/${item.name}`) ?? '' }] : []),
    { title: 'AGE', value: item => formatAge(item.creationTime, nowMs) },
    ...(wide
      ? [
          { title: 'STORED NAME', value: (item: WireObject) => item.name },
          { title: 'KRI', value: (item: WireObject) => item.kri ?? '' },
        ]
      : []),
  ]
  return { columns: columns.map(({ title }) => title), rows: items.map(item => columns.map(({ value }) => value(item))) }
}

/** An object of another version than ours may lack what a column reads: a hole in one cell, not a failed command. */
function cell(value: () => string): string {
  try {
    return value() || '-'
  } catch {
    return '?'
  }
}
