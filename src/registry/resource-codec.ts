import type { Resource, ResourceDraft } from '../model/resource.ts'
import { StoreDamagedError, type StoredRecord } from './store.ts'

interface StoredValue {
  readonly labels: Readonly<Record<string, string>>
  readonly spec: unknown
  readonly status?: unknown
  readonly creationTime: string
  readonly modificationTime: string
}

/** The text that a store keeps for a resource: everything but key and revision. */
export function encodeValue(draft: ResourceDraft, creationTime: string, modificationTime: string): string {
  const { labels, spec, status } = draft
  return JSON.stringify({ labels, spec, status, creationTime, modificationTime } satisfies StoredValue)
}

/** Always from the stored text, never from what the writer handed in: memory holds exactly what the next start will read. */
export function decodeRecord({ key, value, revision }: StoredRecord): Resource {
  const { labels, spec, status, creationTime, modificationTime } = parse(key.kind, key.name, value)
  const resource = {
    kind: key.kind,
    mesh: key.mesh,
    name: key.name,
    labels: Object.freeze(labels),
    spec,
    creationTime,
    modificationTime,
    revision,
  }
  return Object.freeze(status === undefined ? resource : { ...resource, status })
}

/** Whether writing `draft` over `current` would change what anybody reads. */
export function hasSameContent(draft: ResourceDraft, current: Resource): boolean {
  return equalAsJson(draft.labels, current.labels) && equalAsJson(draft.spec, current.spec) && equalAsJson(draft.status, current.status)
}

/** Equality of what JSON would keep: properties that are `undefined` count as absent, the order of properties does not count. */
function equalAsJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, index) => equalAsJson(item, b[index]))
  const left = a as Record<string, unknown>
  const right = b as Record<string, unknown>
  for (const name in left) if (!equalAsJson(left[name], right[name])) return false
  for (const name in right) if (right[name] !== undefined && left[name] === undefined) return false
  return true
}

function parse(kind: string, name: string, value: string): StoredValue {
  try {
    return JSON.parse(value) as StoredValue
  } catch (cause) {
    const problem = `the stored value of ${kind} ${name} is not JSON`
    throw new StoreDamagedError('SKERRY_STORE_DAMAGED', problem, 'Put back a copy of the store from before it was damaged', { cause })
  }
}
