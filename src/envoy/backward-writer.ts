const VARINT = 0
const LENGTH_DELIMITED = 2

/**
 * Writes protobuf from its end to its beginning: a message's length is known when its start is reached, so nothing is measured first
 * and nothing is copied. Fields must be written in descending order to come out as protobuf-es writes them.
 */
export class BackwardWriter {
  #buffer: Buffer
  /** Bytes from here to the end are written. */
  #start: number

  constructor(sizeHint = 256) {
    this.#buffer = Buffer.allocUnsafe(sizeHint)
    this.#start = sizeHint
  }

  /** What was written, in a buffer of its own size. */
  finish(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#buffer, this.#start)
  }

  number(field: number, value: number): void {
    this.#varint(value)
    this.#varint(field * 8 + VARINT)
  }

  string(field: number, text: string): void {
    const length = Buffer.byteLength(text)
    this.#room(length)
    this.#start -= length
    this.#buffer.write(text, this.#start)
    this.#varint(length)
    this.#varint(field * 8 + LENGTH_DELIMITED)
  }

  /** Call before a nested message's fields, and hand what it returns to `close` after them. */
  open(): number {
    return this.#buffer.length - this.#start
  }

  close(field: number, opened: number): void {
    this.#varint(this.#buffer.length - this.#start - opened)
    this.#varint(field * 8 + LENGTH_DELIMITED)
  }

  /** google.protobuf.UInt32Value */
  wrapped(field: number, value: number): void {
    const opened = this.open()
    if (value !== 0) this.number(1, value)
    this.close(field, opened)
  }

  /** Up to 32 bits, unsigned. */
  #varint(value: number): void {
    const bytes = value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5
    this.#room(bytes)
    this.#start -= bytes
    let at = this.#start
    let rest = value
    while (rest > 0x7f) {
      this.#buffer[at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.#buffer[at] = rest
  }

  #room(bytes: number): void {
    if (this.#start >= bytes) return
    const written = this.#buffer.length - this.#start
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, written + bytes))
    this.#buffer.copy(larger, larger.length - written, this.#start)
    this.#start = larger.length - written
    this.#buffer = larger
  }
}
