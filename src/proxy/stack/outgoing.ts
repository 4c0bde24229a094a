import type { UpstreamConnection } from '../upstream/connection.ts'

/** A request that is larger cannot be tried again once bytes of it were sent. */
export const REPLAY_BYTES = 64 * 1024

/** A request on its way: head and body as they go to the next hop, kept as long as it may have to be sent again. */
export class OutgoingRequest {
  /** All of the body has arrived. */
  isComplete = false
  /** A byte of it has left, on any connection. */
  everSent = false
  #parts: Buffer[] = []
  #bytes = 0
  #sent = 0
  #isWhole = true

  add(part: Buffer): void {
    this.#parts.push(part)
    this.#bytes += part.length
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
  }

  /** Sends what was not sent yet. False: the connection is full for now. */
  sendOn(connection: UpstreamConnection): boolean {
    let taken = true
    while (this.#sent < this.#parts.length) {
      taken = connection.wire.send(this.#parts[this.#sent++]!)
      this.everSent = true
    }
    if (this.isFull) this.letGo()
    connection.isRequestSent = this.isComplete
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
