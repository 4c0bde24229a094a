/** Time as an argument: programs pass `systemClock`, tests and simulations a `ManualClock`. */
export interface Clock {
  /** Unix time, ms. May jump: for what people and certificates read. */
  now(): number
  /** ms since some start; never goes back: for measuring and waiting. */
  monotonic(): number
  setTimeout(action: () => void, ms: number): Timer
}

export interface Timer {
  /** Idempotent; harmless after the timer fired. */
  cancel(): void
}

/** Its timers keep the process alive: whoever starts one cancels it on closing. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout(action, ms) {
    // Longer than this would overflow and fire at once.
    const timer = setTimeout(action, Math.min(ms, 0x7fffffff))
    return { cancel: () => clearTimeout(timer) }
  },
}

/** Resolves after `ms`, or at once when the signal is aborted. Never rejects. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  return new Promise(resolve => {
    const done = () => {
      timer.cancel()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = clock.setTimeout(done, ms)
    signal?.addEventListener('abort', done, { once: true })
  })
}

interface Pending {
  readonly at: number
  readonly action: () => void
}

/** Stands still until told to move. */
export class ManualClock implements Clock {
  #now: number
  #elapsed = 0
  readonly #pending = new Set<Pending>()

  constructor(startMs = 1_700_000_000_000) {
    this.#now = startMs
  }

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#elapsed
  }

  setTimeout(action: () => void, ms: number): Timer {
    const pending = { at: this.#elapsed + Math.max(0, ms), action }
    this.#pending.add(pending)
    return { cancel: () => void this.#pending.delete(pending) }
  }

  /** How many timers wait. */
  get timers(): number {
    return this.#pending.size
  }

  /** Moves on and fires what falls due on the way, in order, also timers started by what fires. */
  advance(ms: number): void {
    const end = this.#elapsed + ms
    for (let next = this.#earliest(end); next !== undefined; next = this.#earliest(end)) {
      this.#pending.delete(next)
      this.#moveTo(Math.max(next.at, this.#elapsed))
      next.action()
    }
    this.#moveTo(end)
  }

  /** As `advance`, but lets promises settle before each timer and at the end, so that asynchronous code starts its next timer in time. */
  async run(ms: number): Promise<void> {
    const end = this.#elapsed + ms
    await settle()
    for (let next = this.#earliest(end); next !== undefined; next = this.#earliest(end)) {
      this.#pending.delete(next)
      this.#moveTo(Math.max(next.at, this.#elapsed))
      next.action()
      await settle()
    }
    this.#moveTo(end)
  }

  #earliest(end: number): Pending | undefined {
    let earliest: Pending | undefined
    for (const pending of this.#pending) if (pending.at <= end && (earliest === undefined || pending.at < earliest.at)) earliest = pending
    return earliest
  }

  #moveTo(elapsed: number): void {
    this.#now += elapsed - this.#elapsed
    this.#elapsed = elapsed
  }
}

function settle(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
