import { Chunks } from './chunks.ts'

/** How far the body of one message reaches. */
export class Body {
  readonly chunks = new Chunks()
  #mode: 'none' | 'length' | 'chunked' | 'close' = 'none'
  #left = 0

  get isOpen(): boolean {
    return this.#mode !== 'none'
  }

  get untilClose(): boolean {
    return this.#mode === 'close'
  }

  get isChunked(): boolean {
    return this.#mode === 'chunked'
  }

  /** Framing that cannot be followed: the rest of the connection means nothing. */
  get isBad(): boolean {
    return this.#mode === 'chunked' && this.chunks.bad
  }

  none(): void {
    this.#mode = 'none'
  }

  length(bytes: number): void {
    this.#mode = bytes === 0 ? 'none' : 'length'
    this.#left = bytes
  }

  chunked(): void {
    this.#mode = 'chunked'
    this.chunks.reset()
  }

  close(): void {
    this.#mode = 'close'
  }

  /** Where in `bytes[from, to)` this message's body ends, `to` when it goes on. Of a chunked body, `chunks.cuts` say what must not travel on. */
  follow(bytes: Buffer, from: number, to: number): number {
    switch (this.#mode) {
      case 'none':
        return from
      case 'length': {
        const size = Math.min(to - from, this.#left)
        this.#left -= size
        if (this.#left === 0) this.#mode = 'none'
        return from + size
      }
      case 'chunked': {
        const end = this.chunks.follow(bytes, from, to)
        if (end < 0) return to
        this.#mode = 'none'
        return end
      }
      case 'close':
        return to
    }
  }
}
