/** A chunk is split when it grows beyond this: moving so many references costs less than finding the place. */
const chunkLimit = 512

/**
 * Values in order, however many: adding and removing one costs a search and moving one chunk, the n-th is found by counting chunks.
 * `compare` must be 0 for nothing but the same value.
 */
export class OrderedIndex<V> {
  readonly #compare: (a: V, b: V) => number
  #chunks: V[][] = []
  #size = 0

  constructor(compare: (a: V, b: V) => number, values: Iterable<V> = []) {
    this.#compare = compare
    const sorted = [...values].sort(compare)
    this.#size = sorted.length
    for (let at = 0; at < sorted.length; at += chunkLimit / 2) this.#chunks.push(sorted.slice(at, at + chunkLimit / 2))
  }

  get size(): number {
    return this.#size
  }

  get first(): V | undefined {
    return this.#chunks[0]?.[0]
  }

  add(value: V): void {
    this.#size++
    if (this.#chunks.length === 0) {
      this.#chunks.push([value])
      return
    }
    const at = Math.min(this.#chunkOf(value), this.#chunks.length - 1)
    const chunk = this.#chunks[at]!
    chunk.splice(this.#placeIn(chunk, value), 0, value)
    if (chunk.length > chunkLimit) this.#chunks.splice(at + 1, 0, chunk.splice(chunkLimit >> 1))
  }

  /** false = it was not there. */
  delete(value: V): boolean {
    const at = this.#chunkOf(value)
    const chunk = this.#chunks[at]
    if (!chunk) return false
    const place = this.#placeIn(chunk, value)
    if (place >= chunk.length || this.#compare(chunk[place]!, value) !== 0) return false
    chunk.splice(place, 1)
    if (chunk.length === 0) this.#chunks.splice(at, 1)
    this.#size--
    return true
  }

  /** At most `count` values from the `offset`-th on. */
  slice(offset: number, count: number): V[] {
    const found: V[] = []
    let skip = offset
    for (const chunk of this.#chunks) {
      if (skip >= chunk.length) {
        skip -= chunk.length
        continue
      }
      found.push(...chunk.slice(skip, skip + count - found.length))
      skip = 0
      if (found.length >= count) break
    }
    return found
  }

  *[Symbol.iterator](): IterableIterator<V> {
    for (const chunk of this.#chunks) yield* chunk
  }

  /** The first chunk whose last value is not before this one. */
  #chunkOf(value: V): number {
    let [low, high] = [0, this.#chunks.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#compare(this.#chunks[middle]!.at(-1)!, value) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  #placeIn(chunk: readonly V[], value: V): number {
    let [low, high] = [0, chunk.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#compare(chunk[middle]!, value) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
