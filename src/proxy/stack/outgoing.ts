import { Dechunk } from '../codec/dechunk.ts'
import type { Channel, Trailers } from '../upstream/channel.ts'

/** A request that is larger cannot be tried again once bytes of it were sent. */
export const REPLAY_BYTES = 64 * 1024

/** What must happen to parts of a body between two versions of HTTP. */
export type Reframing = 'none' | 'chunk' | 'dechunk'

const crlf = Buffer.from('\r\n')
const lastChunk = Buffer.from('0\r\n\r\n')

/** A request on its way: head and body as they go to the next hop, kept as long as it may have to be sent again. */
export class OutgoingRequest {
  /** A byte of it has left, on any connection. */
  everSent = false
  #isComplete = false
  #trailers: Trailers | null = null
  #parts: Buffer[] = []
  #bytes = 0
  #sent = 0
  #isWhole = true
  #isHeadNext = true
  #dechunk: Dechunk | null = null
  #chunks = false

  /** Before the first part of the body. */
  reframe(how: Reframing): void {
    if (how === 'dechunk') this.#dechunk = new Dechunk()
    this.#chunks = how === 'chunk'
  }

  addHead(head: Buffer): void {
    this.#keep(head)
  }

  /** Some of the body. */
  add(part: Buffer): void {
    if (this.#dechunk !== null) {
      this.#dechunk.follow(part, 0, part.length, (from, to) => this.#keep(part.subarray(from, to)))
      return
    }
    if (!this.#chunks) {
      this.#keep(part)
      return
    }
    if (part.length === 0) return
    this.#keep(Buffer.from(`${part.length.toString(16)}\r\n`, 'latin1'))
    this.#keep(part)
    this.#keep(crlf)
  }

  #keep(part: Buffer): void {
    this.#parts.push(part)
    this.#bytes += part.length
  }

  /** All of the body has arrived. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  complete(trailers: Trailers | null = null): void {
    if (this.#isComplete) return
    this.#isComplete = true
    this.#trailers = trailers
    if (this.#chunks) this.#keep(lastChunk)
  }

  /** So much is kept that no more should be read before some is sent. */
  get isFull(): boolean {
    return this.#bytes > REPLAY_BYTES
  }

  /** Everything from its first byte is still here. */
  get canReplay(): boolean {
    return this.#isWhole
  }

  rewind(): void {
    this.#sent = 0
    this.#isHeadNext = true
  }

  /** Sends what was not sent yet. False: the channel is full for now. */
  sendOn(channel: Channel): boolean {
    let taken = true
    while (this.#sent < this.#parts.length) {
      const part = this.#parts[this.#sent++]!
      if (this.#isHeadNext) {
        this.#isHeadNext = false
        taken = channel.sendHead(part, this.#isComplete && this.#trailers === null && this.#sent === this.#parts.length)
      } else taken = channel.send(part)
      this.everSent = true
    }
    if (this.isFull) this.letGo()
    if (this.#isComplete) channel.finishRequest(this.#trailers)
    return taken
  }

  /** It will not be sent again: what has left need not be kept. */
  letGo(): void {
    this.#isWhole = false
    this.#parts = this.#parts.slice(this.#sent)
    this.#sent = 0
    this.#bytes = this.#parts.reduce((sum, part) => sum + part.length, 0)
  }
}
