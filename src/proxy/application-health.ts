import type { Clock, Timer } from '../std/clock.ts'
import { type Random, systemRandom } from '../std/random.ts'
import { type Probe, type ProbeResult, type RunProbe, runProbe } from './probe.ts'

export interface InboundProbe {
  /** The inbound's. */
  readonly name: string
  readonly probe: Probe
  /** Absent = closely, as for a proxy that stands in the way of every request. */
  readonly timing?: ProbeTiming
}

/** For checks that somebody else's load depends on. */
export interface ProbeTiming {
  /** From one to the next, give or take a tenth, so that many do not come together. */
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Good ones in a row until it counts as there; failures in a row until it counts as gone. */
  readonly rise: number
  readonly fall: number
}

export interface InboundState {
  readonly name: string
  readonly ready: boolean
  /** Why not, for people. */
  readonly reason: string
}

interface Options {
  readonly inbounds: readonly InboundProbe[]
  readonly clock: Clock
  /** All inbounds, whenever one of them has changed. */
  readonly onChange: (states: readonly InboundState[]) => void
  readonly run?: RunProbe
  readonly random?: Random
}

const timeoutMs = 1000
/** While it answers. */
const steadyMs = 500
/** While it does not: closely at first, for it is most likely just starting, and a registered workload waits for nothing else. */
const tightMs = 25
const tightForMs = 10_000
const looseMs = 250
/** With a timing of its own, while it does not answer. */
const slowStartMs = 1000
/** Failures in a row until it counts as gone; a refused connection needs only one. */
const failuresToBeDown = 2

/** Watches the application behind each inbound. */
export class ApplicationHealth {
  readonly #watches: readonly Watch[]

  constructor({ inbounds, clock, onChange, run = runProbe, random = systemRandom }: Options) {
    const report = () => onChange(this.states)
    this.#watches = inbounds.map(inbound => new Watch(inbound, { clock, run, random }, report))
  }

  get states(): readonly InboundState[] {
    return this.#watches.map(watch => watch.state)
  }

  start(): void {
    for (const watch of this.#watches) watch.probeNow()
  }

  /** Something failed that might be the application's end: find out at once. */
  probeNow(): void {
    for (const watch of this.#watches) watch.probeNow()
  }

  close(): void {
    for (const watch of this.#watches) watch.close()
  }
}

interface WatchDependencies {
  readonly clock: Clock
  readonly run: RunProbe
  readonly random: Random
}

class Watch {
  readonly #inbound: InboundProbe
  readonly #clock: Clock
  readonly #run: RunProbe
  readonly #random: Random
  readonly #onChange: () => void
  readonly #rise: number
  readonly #fall: number
  #timer: Timer | null = null
  /** In a row. */
  #failures = 0
  #successes = 0
  /** When it began not to answer, monotonic ms. */
  #downSince: number
  #isProbing = false
  /** Asked for while one was under way. */
  #again = false
  #isClosed = false
  state: InboundState

  constructor(inbound: InboundProbe, { clock, run, random }: WatchDependencies, onChange: () => void) {
    this.#inbound = inbound
    this.#clock = clock
    this.#run = run
    this.#random = random
    this.#onChange = onChange
    this.#rise = inbound.timing?.rise ?? 1
    this.#fall = inbound.timing?.fall ?? failuresToBeDown
    this.#downSince = clock.monotonic()
    this.state = { name: inbound.name, ready: false, reason: 'not asked yet' }
  }

  probeNow(): void {
    if (this.#isClosed) return
    if (this.#isProbing) {
      this.#again = true
      return
    }
    this.#timer?.cancel()
    this.#isProbing = true
    void this.#probe()
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  async #probe(): Promise<void> {
    const result = await this.#run(this.#inbound.probe, this.#inbound.timing?.timeoutMs ?? timeoutMs)
    this.#isProbing = false
    if (this.#isClosed) return
    if (result.kind === 'up') this.#onUp()
    else this.#onDown(result)
    if (this.#again) {
      this.#again = false
      this.probeNow()
    } else if (this.#inbound.probe.kind !== 'none') {
      this.#timer = this.#clock.setTimeout(() => this.probeNow(), this.#nextMs())
    }
  }

  #onUp(): void {
    this.#failures = 0
    this.#successes++
    if (this.state.ready || this.#successes >= this.#rise) this.#set(true, '')
    else this.#set(false, `${this.#successes} of ${this.#rise} checks in a row were good so far`)
  }

  #onDown({ kind, reason }: Exclude<ProbeResult, { kind: 'up' }>): void {
    this.#successes = 0
    this.#failures++
    const isGone = kind === 'refused' || this.#failures >= this.#fall
    if (!this.state.ready || isGone) this.#set(false, reason)
  }

  #nextMs(): number {
    const { timing } = this.#inbound
    if (timing) {
      // While it is not there, a service that starts should not wait for a long interval to pass.
      const ms = this.state.ready ? timing.intervalMs : Math.min(timing.intervalMs, slowStartMs)
      return ms * (0.9 + 0.2 * this.#random.next())
    }
    // A first failure is confirmed or forgotten quickly.
    if (this.state.ready) return this.#failures > 0 ? tightMs : steadyMs
    return this.#clock.monotonic() - this.#downSince < tightForMs ? tightMs : looseMs
  }

  #set(ready: boolean, reason: string): void {
    if (this.state.ready === ready && this.state.reason === reason) return
    const turned = this.state.ready !== ready
    if (turned && !ready) this.#downSince = this.#clock.monotonic()
    this.state = { name: this.#inbound.name, ready, reason }
    this.#onChange()
  }
}
