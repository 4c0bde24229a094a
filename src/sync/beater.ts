import type { Clock, Timer } from '../std/clock.ts'

export interface BeaterOptions {
  readonly clock: Clock
  /** Longest silence. */
  readonly everyMs: number
  /** Shortest distance of two beats, so that a storm of changes is not a storm of beats. */
  readonly minMs: number
  readonly beat: () => void
}

/** Beats now, then at once when something changed, and else every `everyMs`, until it is stopped. */
export class Beater {
  readonly #options: BeaterOptions
  #timer: Timer | undefined
  #lastAt = Number.NEGATIVE_INFINITY
  #dueAt = Number.POSITIVE_INFINITY
  #stopped = false

  constructor(options: BeaterOptions) {
    this.#options = options
    this.changed()
  }

  changed(): void {
    if (this.#stopped) return
    const now = this.#options.clock.monotonic()
    const due = this.#lastAt + this.#options.minMs
    if (due <= now) this.#beat()
    else this.#schedule(due - now)
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  #beat(): void {
    const { clock, everyMs, beat } = this.#options
    this.#lastAt = clock.monotonic()
    this.#dueAt = Number.POSITIVE_INFINITY
    this.#schedule(everyMs)
    beat()
  }

  #schedule(ms: number): void {
    const { clock } = this.#options
    const dueAt = clock.monotonic() + ms
    if (dueAt >= this.#dueAt) return
    this.#timer?.cancel()
    this.#dueAt = dueAt
    this.#timer = clock.setTimeout(() => this.#beat(), ms)
  }
}
