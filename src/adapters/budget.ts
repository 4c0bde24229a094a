import type { Clock, Timer } from '../std/clock.ts'
import type { CallBudget, CallLimit } from './adapter.ts'

/** How long a limit rests when the platform refused a call and did not say for how long; doubles while refusals go on. */
const restMs = 1000
const longestRestMs = 60_000
/** Refusals farther apart than this have nothing to do with each other. */
const forgetRefusalsMs = 60_000

export interface BudgetUse {
  readonly key: string
  readonly perSecond: number
  /** Calls let through since the start. */
  readonly taken: number
  /** Calls that the platform refused as one too many, since the start. */
  readonly throttled: number
  readonly waiting: number
  /** 0 = calls may be made. ms */
  readonly restsForMs: number
}

/**
 * What platforms let an account do in a second, for all sources of a zone together: a token bucket for each limit. Those who wait are served in
 * turn by source, so that one with ten thousand calls to make does not keep the others waiting.
 */
export class Budgets {
  readonly #clock: Clock
  readonly #buckets = new Map<string, Bucket>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** For one source. @param perSecond what its `limits.requestsPerSecond` says: instead of the adapter's own share, and never more than it. */
  of(source: string, perSecond?: number): CallBudget {
    const within = (limit: CallLimit): CallLimit =>
      perSecond === undefined || perSecond >= limit.perSecond
        ? limit
        : { key: limit.key, perSecond, burst: Math.max(1, Math.min(limit.burst, Math.floor(perSecond))) }
    return {
      take: (limit, signal) => this.#bucket(limit).take(source, within(limit), signal),
      throttled: (limit, retryAfterMs) => this.#bucket(limit).throttled(retryAfterMs),
    }
  }

  /** The source is no more: its share no longer counts. */
  forget(source: string): void {
    for (const bucket of this.#buckets.values()) bucket.forget(source)
  }

  use(): BudgetUse[] {
    return [...this.#buckets.values()].map(bucket => bucket.use())
  }

  #bucket({ key }: CallLimit): Bucket {
    let bucket = this.#buckets.get(key)
    if (bucket === undefined) {
      bucket = new Bucket(key, this.#clock)
      this.#buckets.set(key, bucket)
    }
    return bucket
  }
}

interface Waiter {
  readonly go: () => void
}

/** Of one limit. */
class Bucket {
  readonly #key: string
  readonly #clock: Clock
  /** What each source says of the limit: the smallest counts, for it is the platform's and not theirs. */
  readonly #limits = new Map<string, CallLimit>()
  /** By source, in the order in which their turn comes. */
  readonly #waiting = new Map<string, Waiter[]>()
  #tokens = Number.POSITIVE_INFINITY
  #filledAt: number
  #restsUntil = 0
  #refusals = 0
  #refusedAt = Number.NEGATIVE_INFINITY
  #taken = 0
  #throttled = 0
  #timer: Timer | null = null

  constructor(key: string, clock: Clock) {
    this.#key = key
    this.#clock = clock
    this.#filledAt = clock.monotonic()
  }

  take(source: string, limit: CallLimit, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason)
    this.#limits.set(source, limit)
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#remove(source, waiter)
        reject(signal.reason)
        this.#serve()
      }
      const waiter: Waiter = {
        go: () => {
          signal.removeEventListener('abort', leave)
          resolve()
        },
      }
      signal.addEventListener('abort', leave, { once: true })
      const queue = this.#waiting.get(source)
      if (queue === undefined) this.#waiting.set(source, [waiter])
      else queue.push(waiter)
      this.#serve()
    })
  }

  throttled(retryAfterMs: number | undefined): void {
    const now = this.#clock.monotonic()
    this.#throttled++
    // Calls that were on their way together are refused together, and that is one refusal.
    if (now >= this.#restsUntil) {
      this.#refusals = now - this.#refusedAt > forgetRefusalsMs + longestRestMs ? 1 : this.#refusals + 1
      this.#refusedAt = now
    }
    const rest = retryAfterMs ?? Math.min(longestRestMs, restMs * 2 ** Math.min(this.#refusals - 1, 10))
    this.#restsUntil = Math.max(this.#restsUntil, now + rest)
    this.#tokens = Math.min(this.#tokens, 1)
    this.#serve()
  }

  forget(source: string): void {
    this.#limits.delete(source)
  }

  use(): BudgetUse {
    return {
      key: this.#key,
      perSecond: this.#limit().perSecond,
      taken: this.#taken,
      throttled: this.#throttled,
      waiting: [...this.#waiting.values()].reduce((sum, queue) => sum + queue.length, 0),
      restsForMs: Math.max(0, this.#restsUntil - this.#clock.monotonic()),
    }
  }

  #limit(): Pick<CallLimit, 'perSecond' | 'burst'> {
    let perSecond = Number.POSITIVE_INFINITY
    let burst = Number.POSITIVE_INFINITY
    for (const limit of this.#limits.values()) {
      perSecond = Math.min(perSecond, limit.perSecond)
      burst = Math.min(burst, limit.burst)
    }
    return { perSecond, burst: Math.max(1, burst) }
  }

  #serve(): void {
    this.#timer?.cancel()
    this.#timer = null
    const now = this.#clock.monotonic()
    // A refusal may come before the first call is asked for: then there is nobody to serve, and nothing to fill.
    if (this.#limits.size === 0) return
    const { perSecond, burst } = this.#limit()
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledAt) / 1000) * perSecond)
    this.#filledAt = now
    while (this.#waiting.size > 0 && now >= this.#restsUntil && this.#tokens >= 1) {
      this.#tokens--
      this.#taken++
      this.#next().go()
    }
    if (this.#waiting.size === 0) return
    const forTokens = this.#tokens >= 1 ? 0 : ((1 - this.#tokens) / perSecond) * 1000
    this.#timer = this.#clock.setTimeout(() => this.#serve(), Math.max(1, Math.ceil(forTokens), this.#restsUntil - now))
  }

  /** The first of the source whose turn it is; that source then goes to the end. */
  #next(): Waiter {
    const [source, queue] = this.#waiting.entries().next().value!
    const waiter = queue.shift()!
    this.#waiting.delete(source)
    if (queue.length > 0) this.#waiting.set(source, queue)
    return waiter
  }

  #remove(source: string, waiter: Waiter): void {
    const queue = this.#waiting.get(source)?.filter(it => it !== waiter) ?? []
    if (queue.length > 0) this.#waiting.set(source, queue)
    else this.#waiting.delete(source)
  }
}
