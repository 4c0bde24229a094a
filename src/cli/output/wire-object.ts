import type { KindDefinition } from '../../model/kind.ts'
import type { Resource } from '../../model/resource.ts'

/** A resource as the API writes it, in either of Kuma's shapes. */
export interface WireObject {
  readonly type: string
  readonly name: string
  readonly mesh?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly creationTime?: string
  readonly modificationTime?: string
  readonly kri?: string
  readonly [field: string]: unknown
}

/** What people call it: what came from elsewhere is stored under a longer name. */
export function displayNameOf(item: WireObject): string {
  return item.labels?.['kuma.io/display-name'] ?? item.name
}

export function zoneOf(item: WireObject): string {
  return item.labels?.['kuma.io/zone'] ?? ''
}

const envelope = new Set(['type', 'name', 'mesh', 'labels', 'creationTime', 'modificationTime', 'kri', 'status'])

/** The registry's form, as far as a table reads it. */
export function fromWire(kind: KindDefinition, item: WireObject): Resource {
  const flat = () => Object.fromEntries(Object.entries(item).filter(([field]) => !envelope.has(field)))
  return {
    kind: kind.kind,
    mesh: item.mesh ?? '',
    name: item.name,
    labels: item.labels ?? {},
    spec: kind.shape === 'flat' ? flat() : (item.spec ?? {}),
    status: item.status,
    creationTime: item.creationTime ?? '',
    modificationTime: item.modificationTime ?? '',
    revision: 0,
  }
}
