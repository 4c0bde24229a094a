/**
 * An immutable map that costs what changes: the newest version holds the entries, and each one before it what was different then, so that
 * reading the newest is reading a Map, and reading one further back looks through as many differences as there are versions between. Made for
 * one line of versions of which the newest matter; a second line from one version begins with a copy.
 * Baker, "Shallow Binding Makes Functional Arrays Fast", https://dl.acm.org/doi/10.1145/122598.122614
 */
export class PersistentMap<K, V> implements Iterable<[K, V]> {
  static empty<K, V>(): PersistentMap<K, V> {
    return new PersistentMap<K, V>(new Map())
  }

  static of<K, V>(entries: Iterable<readonly [K, V]>): PersistentMap<K, V> {
    return new PersistentMap(new Map(entries))
  }

  readonly size: number
  /** null: it is not the newest version. */
  #entries: Map<K, V> | null
  /** What this version has instead of what `#newer` has; undefined = it has not. */
  #different: ReadonlyMap<K, V | undefined> | null = null
  #newer: PersistentMap<K, V> | null = null

  private constructor(entries: Map<K, V>) {
    this.#entries = entries
    this.size = entries.size
  }

  get(key: K): V | undefined {
    let version: PersistentMap<K, V> = this
    while (version.#entries === null) {
      if (version.#different!.has(key)) return version.#different!.get(key)
      version = version.#newer!
    }
    return version.#entries.get(key)
  }

  has(key: K): boolean {
    return this.get(key) !== undefined
  }

  /** The map after these changes, in order; `undefined` deletes. Returns this map when there are none. */
  with(changes: Iterable<readonly [K, V | undefined]>): PersistentMap<K, V> {
    const entries = this.#entries ?? this.#copy()
    const different = new Map<K, V | undefined>()
    for (const [key, value] of changes) {
      if (!different.has(key)) different.set(key, entries.get(key))
      if (value === undefined) entries.delete(key)
      else entries.set(key, value)
    }
    if (different.size === 0) return this
    const newer = new PersistentMap(entries)
    if (this.#entries !== null) {
      this.#entries = null
      this.#different = different
      this.#newer = newer
    }
    return newer
  }

  /** Keys that may have another value in a version that came of this one; null: it did not come of this one. */
  changedUntil(newer: PersistentMap<K, V>): ReadonlySet<K> | null {
    const changed = new Set<K>()
    for (let version: PersistentMap<K, V> = this; version !== newer; version = version.#newer) {
      if (version.#newer === null) return null
      for (const key of version.#different!.keys()) changed.add(key)
    }
    return changed
  }

  [Symbol.iterator](): IterableIterator<[K, V]> {
    return (this.#entries ?? this.#copy()).entries()
  }

  keys(): IterableIterator<K> {
    return (this.#entries ?? this.#copy()).keys()
  }

  values(): IterableIterator<V> {
    return (this.#entries ?? this.#copy()).values()
  }

  /** The entries of a version that is not the newest. */
  #copy(): Map<K, V> {
    const differences: ReadonlyMap<K, V | undefined>[] = []
    let version: PersistentMap<K, V> = this
    while (version.#entries === null) {
      differences.push(version.#different!)
      version = version.#newer!
    }
    const entries = new Map(version.#entries)
    for (const difference of differences.reverse()) {
      for (const [key, value] of difference) {
        if (value === undefined) entries.delete(key)
        else entries.set(key, value)
      }
    }
    return entries
  }
}
