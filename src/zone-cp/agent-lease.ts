import type { Clock, Timer } from '../std/clock.ts'

/**
 * How long a machine's registration of a workload without a proxy holds: three times what its agent lets pass between two signs of life. A
 * proxy needs no such bound, for whoever calls it notices by itself that it is gone; here it is a gateway that would go on sending. ms
 */
export const leaseMs = 15_000

/** Runs out unless it is renewed. */
export class Lease {
  readonly #clock: Clock
  readonly #onEnd: () => void
  #timer: Timer

  constructor(clock: Clock, onEnd: () => void) {
    this.#clock = clock
    this.#onEnd = onEnd
    this.#timer = clock.setTimeout(onEnd, leaseMs)
  }

  renew(): void {
    this.#timer.cancel()
    this.#timer = this.#clock.setTimeout(this.#onEnd, leaseMs)
  }

  end(): void {
    this.#timer.cancel()
  }
}
