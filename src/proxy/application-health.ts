import type { Clock, Timer } from '../std/clock.ts'
import { type Probe, type RunProbe, runProbe } from './probe.ts'

export interface InboundProbe {
  /** The inbound's. */
  readonly name: string
  readonly probe: Probe
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
}

const timeoutMs = 1000
/** While it answers. */
const steadyMs = 500
/** While it does not: closely at first, for it is most likely just starting, and a registered workload waits for nothing else. */
const tightMs = 25
const tightForMs = 10_000
const looseMs = 250
/** Failures in a row until it counts as gone; a refused connection needs only one. */
const failuresToBeDown = 2

/** Watches the application behind each inbound. */
export class ApplicationHealth {
  readonly #watches: readonly Watch[]

  constructor({ inbounds, clock, onChange, run = runProbe }: Options) {
    const report = () => onChange(this.states)
    this.#watches = inbounds.map(inbound => new Watch(inbound, clock, run, report))
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

class Watch {
  readonly #inbound: InboundProbe
  readonly #clock: Clock
  readonly #run: RunProbe
  readonly #onChange: () => void
  #timer: Timer | null = null
  #failures = 0
  /** When it began not to answer, monotonic ms. */
  #downSince: number
  #isProbing = false
  /** Asked for while one was under way. */
  #again = false
  #isClosed = false
  state: InboundState

  constructor(inbound: InboundProbe, clock: Clock, run: RunProbe, onChange: () => void) {
    this.#inbound = inbound
    this.#clock = clock
    this.#run = run
    this.#onChange = onChange
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
    const result = await this.#run(this.#inbound.probe, timeoutMs)
    this.#isProbing = false
    if (this.#isClosed) return
    if (result.kind === 'up') {
      this.#failures = 0
      this.#set(true, '')
    } else {
      this.#failures++
      const isGone = result.kind === 'refused' || this.#failures >= failuresToBeDown
      if (!this.state.ready || isGone) this.#set(false, result.reason)
    }
    if (this.#again) {
      this.#again = false
      this.probeNow()
    } else if (this.#inbound.probe.kind !== 'none') {
      this.#timer = this.#clock.setTimeout(() => this.probeNow(), this.#nextMs())
    }
  }

  #nextMs(): number {
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
