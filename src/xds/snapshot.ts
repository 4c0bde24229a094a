import type { EncodedResource } from './resource.ts'

/** What one client may get. */
export interface ResourceSource {
  /** `missing` = there is no such resource; undefined = not known (yet): under a wildcard that means it is gone, else the client hears nothing. */
  get(typeUrl: string, name: string): EncodedResource | 'missing' | undefined
  /** Names of all that a wildcard stands for. Complete, or clients drop what is not among them. */
  wildcard(typeUrl: string): Iterable<string>
}

export type SnapshotListener = (typeUrl: string, name: string) => void

/**
 * The resources of one client, changed by its owner, read by its streams. Changes made without an `await` in between reach the client
 * together and in the right order. Snapshots of several clients share their resources.
 */
export class Snapshot implements ResourceSource {
  readonly #types = new Map<string, Map<string, EncodedResource | 'missing'>>()
  readonly #listeners = new Set<SnapshotListener>()

  get(typeUrl: string, name: string): EncodedResource | 'missing' | undefined {
    return this.#types.get(typeUrl)?.get(name)
  }

  *wildcard(typeUrl: string): Generator<string> {
    for (const [name, resource] of this.#types.get(typeUrl) ?? []) if (resource !== 'missing') yield name
  }

  /** false = the same version stands there already. */
  set(typeUrl: string, resource: EncodedResource): boolean {
    const before = this.get(typeUrl, resource.name)
    if (typeof before === 'object' && before.version === resource.version) return false
    this.#put(typeUrl, resource.name, resource)
    return true
  }

  /** Says that a name that a client asked for does not exist. */
  setMissing(typeUrl: string, name: string): boolean {
    if (this.get(typeUrl, name) === 'missing') return false
    this.#put(typeUrl, name, 'missing')
    return true
  }

  /** false = it was not there. */
  remove(typeUrl: string, name: string): boolean {
    if (!this.#types.get(typeUrl)?.delete(name)) return false
    this.#notify(typeUrl, name)
    return true
  }

  /** Calls back at once at every change, until the returned function is called. */
  watch(listener: SnapshotListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #put(typeUrl: string, name: string, resource: EncodedResource | 'missing'): void {
    let resources = this.#types.get(typeUrl)
    if (resources === undefined) {
      resources = new Map()
      this.#types.set(typeUrl, resources)
    }
    resources.set(name, resource)
    this.#notify(typeUrl, name)
  }

  #notify(typeUrl: string, name: string): void {
    for (const listener of this.#listeners) listener(typeUrl, name)
  }
}
