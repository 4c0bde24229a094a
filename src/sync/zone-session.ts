import type { Clock, Timer } from '../std/clock.ts'
import type { MessageStream, StreamStatus } from '../std/message-stream.ts'

const longestWaitMs = 86_400_000

/** The streams that one zone control plane has open, as one thing: when one of them ends, all do, and the zone dials again. */
export class ZoneSession {
  readonly instance: string
  readonly #streams = new Set<MessageStream>()
  #expiry: Timer | undefined
  readonly #clock: Clock
  /** What ended first, and why. */
  readonly #ended = Promise.withResolvers<StreamStatus>()
  #over: StreamStatus | undefined

  /** @param expiresAt Unix ms, of the credential */
  constructor(instance: string, expiresAt: number | undefined, clock: Clock) {
    this.instance = instance
    this.#clock = clock
    if (expiresAt !== undefined) this.#endAt(expiresAt)
  }

  get ended(): Promise<StreamStatus> {
    return this.#ended.promise
  }

  get isOver(): boolean {
    return this.#over !== undefined
  }

  add(stream: MessageStream): void {
    if (this.#over) endStream(stream, this.#over)
    this.#streams.add(stream)
    void stream.closed.then(status => this.end(status))
  }

  end(status: StreamStatus): void {
    if (this.#over) return
    this.#over = status
    this.#expiry?.cancel()
    for (const stream of this.#streams) endStream(stream, status)
    this.#ended.resolve(status)
  }

  #endAt(expiresAt: number): void {
    const leftMs = expiresAt - this.#clock.now()
    if (leftMs <= 0) this.end({ code: 'UNAUTHENTICATED', message: 'the zone token has expired: dial again with a newer one' })
    // Timers end after 24 days, tokens after a year.
    else this.#expiry = this.#clock.setTimeout(() => this.#endAt(expiresAt), Math.min(leftMs, longestWaitMs))
  }
}

function endStream(stream: MessageStream, status: StreamStatus): void {
  stream.end(status.code === 'OK' ? { code: 'CANCELLED', message: 'the session is over' } : status)
}
