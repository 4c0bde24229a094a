import type { Clock } from '../std/clock.ts'

/** Waits for something to become true that is told, not asked for again and again. */
export class Conditions {
  readonly #clock: Clock
  readonly #checks = new Set<() => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Something changed that conditions may rest on. */
  changed(): void {
    for (const check of [...this.#checks]) check()
  }

  /** Resolves with true when it holds, with false after `timeoutMs`. */
  until(holds: () => boolean, timeoutMs: number): Promise<boolean> {
    if (holds()) return Promise.resolve(true)
    return new Promise(resolve => {
      const finish = (held: boolean) => {
        timer.cancel()
        this.#checks.delete(check)
        resolve(held)
      }
      const check = () => {
        if (holds()) finish(true)
      }
      const timer = this.#clock.setTimeout(() => finish(false), timeoutMs)
      this.#checks.add(check)
    })
  }
}
