import type { Clock, Timer } from '../../std/clock.ts'

/**
 * How long something waits for what it would rather have first. What is late is used without it: a cluster without endpoints costs some
 * requests, a listener that never comes costs all.
 */
export class Patience {
  readonly #clock: Clock
  readonly #ms: number
  readonly #onLate: () => void
  readonly #deadlines = new Map<object, number>()
  readonly #timers = new Set<Timer>()

  constructor(clock: Clock, ms: number, onLate: () => void) {
    this.#clock = clock
    this.#ms = ms
    this.#onLate = onLate
  }

  /** Has it waited long enough? The first call starts its time. */
  isOver(item: object): boolean {
    const now = this.#clock.monotonic()
    const deadline = this.#deadlines.get(item)
    if (deadline !== undefined) return now >= deadline
    this.#deadlines.set(item, now + this.#ms)
    const timer = this.#clock.setTimeout(() => {
      this.#timers.delete(timer)
      // The timer decides: it may fire a fraction of a millisecond before the clock says so, and nobody would ask again.
      if (this.#deadlines.has(item)) this.#deadlines.set(item, Number.NEGATIVE_INFINITY)
      this.#onLate()
    }, this.#ms)
    this.#timers.add(timer)
    return false
  }

  /** It need not wait any more. */
  forget(item: object): void {
    this.#deadlines.delete(item)
  }

  close(): void {
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
    this.#deadlines.clear()
  }
}
