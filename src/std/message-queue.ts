import { StreamError, type StreamStatus } from './message-stream.ts'

/**
 * The reading half of a MessageStream: messages wait here until the one reader takes them. `onDrained` tells the transport that it may
 * deliver again; it should stop when `push` returns false.
 */
export class MessageQueue implements AsyncIterable<Uint8Array> {
  static readonly highWater = 16
  readonly #messages: Uint8Array[] = []
  readonly #onDrained: () => void
  #end: StreamStatus | undefined
  #wake: (() => void) | undefined
  #full = false

  constructor(onDrained: () => void = () => {}) {
    this.#onDrained = onDrained
  }

  /** false = enough wait here. */
  push(message: Uint8Array): boolean {
    if (this.#end) return true
    this.#messages.push(message)
    this.#wake?.()
    if (this.#messages.length >= MessageQueue.highWater) this.#full = true
    return !this.#full
  }

  /** No more will come. The reader gets what waits first; then it ends (OK) or throws. */
  end(status: StreamStatus): void {
    this.#end ??= status
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    while (true) {
      const message = this.#messages.shift()
      if (message !== undefined) {
        if (this.#full && this.#messages.length <= MessageQueue.highWater / 2) {
          this.#full = false
          this.#onDrained()
        }
        yield message
      } else if (this.#end) {
        if (this.#end.code !== 'OK') throw new StreamError(this.#end)
        return
      } else {
        await new Promise<void>(resolve => {
          this.#wake = resolve
        })
        this.#wake = undefined
      }
    }
  }
}
