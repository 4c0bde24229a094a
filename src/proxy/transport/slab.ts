const CAPACITY = 64 * 1024 + 8 * 1024

/** Below this a loop beats the call into C++. */
const LOOP_BYTES = 64

/**
 * Where messages are composed before one write takes them: a scratch that is emptied within the callback that filled it, shared by all
 * connections. Memory that a write holds on to is given up to it, and replaced.
 */
export class Slab {
  #bytes: Buffer = Buffer.allocUnsafeSlow(CAPACITY)
  length = 0

  clear(): void {
    this.length = 0
  }

  put(source: Buffer, from: number, to: number): void {
    const size = to - from
    if (size <= 0) return
    const at = this.#reserve(size)
    if (size < LOOP_BYTES) {
      const target = this.#bytes
      for (let i = from, o = at; i < to; i++, o++) target[o] = source[i]!
    } else source.copy(this.#bytes, at, from, to)
  }

  putAll(source: Buffer): void {
    this.put(source, 0, source.length)
  }

  /** Latin-1, as HTTP/1.1 heads are. */
  putText(text: string): void {
    const at = this.#reserve(text.length)
    if (text.length < LOOP_BYTES) {
      const target = this.#bytes
      for (let i = 0; i < text.length; i++) target[at + i] = text.charCodeAt(i)
    } else this.#bytes.write(text, at, 'latin1')
  }

  /** A copy that its receiver may keep. */
  take(): Buffer {
    const copy = Buffer.from(this.#bytes.subarray(0, this.length))
    this.length = 0
    return copy
  }

  /** What is in it, until the next `put`. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.length)
  }

  /** The last `view` now belongs to somebody else. */
  surrender(): void {
    this.#bytes = Buffer.allocUnsafeSlow(CAPACITY)
    this.length = 0
  }

  #reserve(size: number): number {
    const at = this.length
    const end = at + size
    if (end > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(end + CAPACITY)
      this.#bytes.copy(larger, 0, 0, at)
      this.#bytes = larger
    }
    this.length = end
    return at
  }
}
