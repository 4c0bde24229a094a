import type { ServerResponse } from 'node:http'
import type { Clock } from '../std/clock.ts'

export type WaitEnd = 'woken' | 'timeout' | 'gone'

/** Readers that are woken in one turn. */
const PORTION = 500

/** Requests that are held until something happens, their time is over, or their client hangs up. */
export class Waiters {
  readonly #clock: Pick<Clock, 'setTimeout'>
  readonly #waiting = new Set<(end: WaitEnd) => void>()

  constructor(clock: Pick<Clock, 'setTimeout'>) {
    this.#clock = clock
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Never rejects. */
  wait(response: ServerResponse, ms: number): Promise<WaitEnd> {
    return new Promise(resolve => {
      const end = (how: WaitEnd) => {
        this.#waiting.delete(end)
        timer.cancel()
        response.off('close', hangUp)
        resolve(how)
      }
      const hangUp = () => end('gone')
      const timer = this.#clock.setTimeout(() => end('timeout'), ms)
      response.once('close', hangUp)
      this.#waiting.add(end)
      if (response.destroyed || response.closed) hangUp()
    })
  }

  /** In portions, so that a thousand readers of one change do not hold up everybody else, nor the first of them until the last is ready. */
  wake(): void {
    this.#wakeFrom([...this.#waiting], 0)
  }

  #wakeFrom(all: readonly ((end: WaitEnd) => void)[], first: number): void {
    for (const end of all.slice(first, first + PORTION)) if (this.#waiting.has(end)) end('woken')
    if (first + PORTION < all.length) setImmediate(() => this.#wakeFrom(all, first + PORTION))
  }
}
