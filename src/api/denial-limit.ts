import type { Clock } from '../std/clock.ts'

interface Bucket {
  tokens: number
  at: number
  leftOut: number
}

/** Refusals of one caller that are put on record at once, and how often more of them are. */
const BURST = 20
const REFILL_MS = 1000
/** Callers that are told apart. */
const CALLERS = 1000

/** Keeps whoever is refused again and again from filling the log, which would push out what others did: of many alike some are put on record, with the number of those that were not. */
export class DenialLimit {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #buckets = new Map<string, Bucket>()

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
  }

  /** undefined: leave it out. Else how many of this caller's were left out since the last one. */
  admit(caller: string): { readonly leftOut: number } | undefined {
    const now = this.#clock.monotonic()
    const bucket = this.#buckets.get(caller) ?? { tokens: BURST, at: now, leftOut: 0 }
    bucket.tokens = Math.min(BURST, bucket.tokens + (now - bucket.at) / REFILL_MS)
    bucket.at = now
    // The callers seen last are those that are kept.
    this.#buckets.delete(caller)
    if (this.#buckets.size >= CALLERS) this.#buckets.delete(this.#buckets.keys().next().value!)
    this.#buckets.set(caller, bucket)
    if (bucket.tokens < 1) {
      bucket.leftOut++
      return undefined
    }
    const { leftOut } = bucket
    bucket.tokens--
    bucket.leftOut = 0
    return { leftOut }
  }
}
