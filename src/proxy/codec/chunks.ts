const MAX_SIZE_DIGITS = 12
const MAX_EXTENSION_BYTES = 256
const MAX_TRAILER_BYTES = 8 * 1024

/** A trailer costs at least this much, however short. */
const LINE_BYTES = 4

const SIZE = 0
const EXTENSION = 1
const SIZE_LF = 2
const DATA = 3
const DATA_CR = 4
const DATA_LF = 5
const TRAILER_START = 6
const TRAILER = 7
const TRAILER_LF = 8
const END_LF = 9

/**
 * Follows chunked framing over segment borders without touching the bytes (RFC 9112 §7.1). Extensions and trailers are marked as cuts:
 * they mean nothing to the next hop, and have carried attacks past proxies that passed them on.
 */
export class Chunks {
  bad = false
  /** Ranges of the last segment that must not travel on: `[cuts[0], cuts[1])`, `[cuts[2], cuts[3])`, … */
  readonly cuts: number[] = []
  #phase = SIZE
  #left = 0
  #digits = 0
  #skipped = 0

  reset(): void {
    this.bad = false
    this.cuts.length = 0
    this.#phase = SIZE
    this.#left = this.#digits = this.#skipped = 0
  }

  /** The offset after the last chunk, or -1 when it is not in `bytes[from, to)`. */
  follow(bytes: Buffer, from: number, to: number): number {
    this.cuts.length = 0
    let cutFrom = this.#phase === EXTENSION || this.#phase === TRAILER || this.#phase === TRAILER_LF ? from : -1
    let i = from
    while (i < to) {
      if (this.#phase === DATA) {
        if (to - i < this.#left) {
          this.#left -= to - i
          return -1
        }
        i += this.#left
        this.#left = 0
        this.#phase = DATA_CR
        continue
      }
      const byte = bytes[i++]!
      switch (this.#phase) {
        case SIZE: {
          const digit = hex(byte)
          if (digit >= 0 && this.#digits < MAX_SIZE_DIGITS) {
            this.#left = this.#left * 16 + digit
            this.#digits++
          } else if (this.#digits === 0) return this.#fail()
          else if (byte === 13) this.#phase = SIZE_LF
          else if (byte === 59) {
            this.#phase = EXTENSION
            this.#skipped = 0
            cutFrom = i - 1
          } else return this.#fail()
          break
        }
        case EXTENSION:
          if (byte === 13) {
            this.#phase = SIZE_LF
            this.cuts.push(cutFrom, i - 1)
            cutFrom = -1
          } else if (++this.#skipped > MAX_EXTENSION_BYTES || (byte < 32 && byte !== 9) || byte === 127) return this.#fail()
          break
        case SIZE_LF:
          if (byte !== 10) return this.#fail()
          this.#digits = 0
          this.#skipped = 0
          this.#phase = this.#left === 0 ? TRAILER_START : DATA
          break
        case DATA_CR:
          if (byte !== 13) return this.#fail()
          this.#phase = DATA_LF
          break
        case DATA_LF:
          if (byte !== 10) return this.#fail()
          this.#phase = SIZE
          break
        case TRAILER_START:
          if (byte === 13) {
            this.#phase = END_LF
            if (cutFrom >= 0) this.cuts.push(cutFrom, i - 1)
            cutFrom = -1
          } else if (byte === 10 || byte === 32 || byte === 9) return this.#fail()
          else {
            this.#phase = TRAILER
            this.#skipped += LINE_BYTES
            if (cutFrom < 0) cutFrom = i - 1
          }
          break
        case TRAILER:
          if (byte === 13) this.#phase = TRAILER_LF
          else if (this.#skipped++ > MAX_TRAILER_BYTES || (byte < 32 && byte !== 9) || byte === 127) return this.#fail()
          break
        case TRAILER_LF:
          if (byte !== 10) return this.#fail()
          this.#phase = TRAILER_START
          break
        default:
          if (byte !== 10) return this.#fail()
          this.#phase = SIZE
          return i
      }
    }
    if (cutFrom >= 0) this.cuts.push(cutFrom, to)
    return -1
  }

  #fail(): number {
    this.bad = true
    return -1
  }
}

function hex(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const lower = byte | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}
