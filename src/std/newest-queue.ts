/** More different keys wait than the queue may hold: its reader is too slow to be served and must start over from what is true then. */
export class QueueOverflowError extends Error {
  override name = 'QueueOverflowError'
  readonly code = 'SKERRY_READER_TOO_SLOW'
  constructor(limit: number) {
    super(`the reader fell behind by more than ${limit} entries: read the current state again and go on from there`)
  }
}

/**
 * Holds the newest value of each key until it is read: a slow reader sees fewer values, never old ones. Keys come out in the order in
 * which they went in. One reader.
 */
export class NewestQueue<K, V> implements AsyncIterable<readonly [K, V]> {
  readonly #limit: number
  readonly #waiting = new Map<K, V>()
  #state: 'open' | 'closed' | 'overflowed' = 'open'
  #wake: (() => void) | undefined

  /** @param limit how many different keys may wait */
  constructor(limit = 10_000) {
    this.#limit = limit
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Replaces a waiting value of the same key. After close: ignored. */
  push(key: K, value: V): void {
    if (this.#state !== 'open') return
    if (!this.#waiting.has(key) && this.#waiting.size >= this.#limit) {
      this.#waiting.clear()
      this.#state = 'overflowed'
    } else this.#waiting.set(key, value)
    this.#wake?.()
  }

  /** What waits is still read. */
  close(): void {
    if (this.#state === 'open') this.#state = 'closed'
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly [K, V], void, void> {
    try {
      while (true) {
        for (const [key, value] of this.#waiting) {
          this.#waiting.delete(key)
          yield [key, value]
        }
        if (this.#state === 'overflowed') throw new QueueOverflowError(this.#limit)
        if (this.#waiting.size > 0) continue
        if (this.#state === 'closed') return
        await new Promise<void>(resolve => {
          this.#wake = resolve
        })
        this.#wake = undefined
      }
    } finally {
      this.close()
      this.#waiting.clear()
    }
  }
}
