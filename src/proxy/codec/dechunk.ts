const SIZE = 0
const SIZE_END = 1
const DATA = 2
const DATA_END = 3
const DONE = 4

/** Takes chunked framing off a body that `Chunks` has found well formed and has cleared of extensions and trailers. */
export class Dechunk {
  #phase = SIZE
  #left = 0

  /** Calls `take` with each range of `bytes[from, to)` that is content. */
  follow(bytes: Buffer, from: number, to: number, take: (from: number, to: number) => void): void {
    let i = from
    while (i < to && this.#phase !== DONE) {
      switch (this.#phase) {
        case SIZE: {
          const byte = bytes[i++]!
          if (byte === 13) this.#phase = SIZE_END
          else this.#left = this.#left * 16 + (byte <= 57 ? byte - 48 : (byte | 32) - 87)
          break
        }
        case SIZE_END:
          i++
          this.#phase = this.#left === 0 ? DONE : DATA
          break
        case DATA: {
          const size = Math.min(this.#left, to - i)
          take(i, i + size)
          i += size
          this.#left -= size
          // Two bytes of line end follow.
          if (this.#left === 0) [this.#phase, this.#left] = [DATA_END, 2]
          break
        }
        default:
          i++
          if (--this.#left === 0) this.#phase = SIZE
      }
    }
  }
}
