import type { Clock, Timer } from '../../../std/clock.ts'
import { OrderedIndex } from './ordered-index.ts'

interface Entry {
  readonly at: number
  readonly owner: string
}

/** The clock may jump: it is looked at again after so long, ms. */
const longestWaitMs = 60_000

/** Who has to be looked at again when: what becomes a problem by the passing of time alone. One timer for all. */
export class Due {
  readonly #clock: Clock
  readonly #onDue: (owner: string) => void
  readonly #order = new OrderedIndex<Entry>((a, b) => a.at - b.at || (a.owner < b.owner ? -1 : a.owner > b.owner ? 1 : 0))
  readonly #entries = new Map<string, Entry>()
  #timer: Timer | undefined
  #wakeAt = Number.POSITIVE_INFINITY
  #isClosed = false

  constructor(clock: Clock, onDue: (owner: string) => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  /** @param at Unix ms; null = never */
  set(owner: string, at: number | null): void {
    const before = this.#entries.get(owner)
    if (before?.at === at) return
    if (before) this.#order.delete(before)
    if (at === null) this.#entries.delete(owner)
    else {
      const entry = { at, owner }
      this.#entries.set(owner, entry)
      this.#order.add(entry)
    }
    this.#arm()
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  #arm(): void {
    const first = this.#order.first
    const wakeAt = first?.at ?? Number.POSITIVE_INFINITY
    if (this.#isClosed || wakeAt >= this.#wakeAt) return
    this.#timer?.cancel()
    this.#wakeAt = wakeAt
    this.#timer = this.#clock.setTimeout(() => this.#fire(), Math.min(longestWaitMs, Math.max(0, wakeAt - this.#clock.now())))
  }

  #fire(): void {
    this.#wakeAt = Number.POSITIVE_INFINITY
    const now = this.#clock.now()
    for (let first = this.#order.first; first && first.at <= now; first = this.#order.first) {
      this.#order.delete(first)
      this.#entries.delete(first.owner)
      this.#onDue(first.owner)
    }
    this.#arm()
  }
}
