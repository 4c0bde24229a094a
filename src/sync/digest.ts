import { createHash } from 'node:crypto'

/**
 * Names with their versions, and a digest of all of them that does not depend on the order in which they came: the two ends of a
 * sync keep one each, and hold the same exactly when the digests are equal. A change costs one hash, not a pass over the table.
 */
export class VersionTable {
  readonly #versions = new Map<string, string>()
  #high = 0
  #low = 0

  get size(): number {
    return this.#versions.size
  }

  get(name: string): string | undefined {
    return this.#versions.get(name)
  }

  entries(): IterableIterator<[name: string, version: string]> {
    return this.#versions.entries()
  }

  set(name: string, version: string): void {
    const old = this.#versions.get(name)
    if (old === version) return
    if (old !== undefined) this.#mix(name, old)
    this.#mix(name, version)
    this.#versions.set(name, version)
  }

  delete(name: string): void {
    const old = this.#versions.get(name)
    if (old === undefined) return
    this.#mix(name, old)
    this.#versions.delete(name)
  }

  clear(): void {
    this.#versions.clear()
    this.#high = 0
    this.#low = 0
  }

  /** `<count>-<16 hex digits>`. */
  get digest(): string {
    return `${this.#versions.size}-${hex(this.#high)}${hex(this.#low)}`
  }

  /** Exclusive or: mixing the same pair in a second time takes it out. */
  #mix(name: string, version: string): void {
    const hash = createHash('sha1').update(`${name}\n${version}`).digest()
    this.#high ^= hash.readInt32BE(0)
    this.#low ^= hash.readInt32BE(4)
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0')
}

/** The kinds whose digests differ, of those that both sides speak of: a side may know kinds that the other does not. */
export function differingKinds(theirs: Readonly<Record<string, string>>, mine: ReadonlyMap<string, VersionTable>): string[] {
  const differing: string[] = []
  for (const [kind, table] of mine) {
    const digest = theirs[kind]
    if (digest !== undefined && digest !== table.digest) differing.push(kind)
  }
  return differing
}
