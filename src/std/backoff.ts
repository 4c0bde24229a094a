import { type Random, systemRandom } from './random.ts'

/** Exponential, full jitter: each wait is anywhere between 0 and a bound that doubles up to `maxMs`. A thousand clients that lost the
 *  same server so come back spread out. https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ */
export class Backoff {
  readonly #baseMs: number
  readonly #maxMs: number
  readonly #random: Random
  #attempts = 0

  constructor(options: { readonly baseMs: number; readonly maxMs: number; readonly random?: Random }) {
    this.#baseMs = options.baseMs
    this.#maxMs = options.maxMs
    this.#random = options.random ?? systemRandom
  }

  /** How long to wait before the next attempt, ms. */
  nextMs(): number {
    const bound = Math.min(this.#maxMs, this.#baseMs * 2 ** Math.min(this.#attempts, 30))
    this.#attempts++
    return this.#random.next() * bound
  }

  /** After a success. */
  reset(): void {
    this.#attempts = 0
  }
}
