import type { Clock, Timer } from '../../std/clock.ts'
import type { BoundListeners } from '../control/listeners.ts'
import { askEnvoy } from './admin-client.ts'
import { boundListeners, listenersPath, refusedListenersPath } from './envoy-state.ts'

export interface ListenerWatchOptions {
  /** Of Envoy's administration. */
  readonly socket: string
  readonly clock: Clock
  /** Something is listening now that was not, or the reverse. */
  readonly onChange: (bound: BoundListeners) => void
}

/** Envoy tells nobody when a listener begins to accept: it is asked often while something is going on, and seldom otherwise. */
const tightMs = 20
const tightForMs = 3000
const steadyMs = 1000

/** Keeps asking an Envoy what it listens on. Nothing, while it does not answer or is not live. */
export class ListenerWatch {
  readonly #options: ListenerWatchOptions
  #bound: BoundListeners = { listeners: [], failures: [] }
  #isLive = false
  #tightUntil = 0
  #timer: Timer | null = null
  #isAsking = false
  #isClosed = false

  constructor(options: ListenerWatchOptions) {
    this.#options = options
  }

  get bound(): BoundListeners {
    return this.#bound
  }

  /** Is it up, and has it had its first configuration? */
  get isLive(): boolean {
    return this.#isLive
  }

  /** Something is going on: ask soon, and often for a while. */
  nudge(): void {
    this.#tightUntil = this.#options.clock.monotonic() + tightForMs
    if (!this.#isAsking) this.#askIn(0)
  }

  /** It is gone, and so is all that it listened on: why. */
  gone(reason: string): void {
    this.#isLive = false
    const failures = [...this.#bound.listeners, ...this.#bound.failures.map(({ listener }) => listener)]
    this.#become({ listeners: [], failures: failures.map(listener => ({ listener, reason: `Envoy ended: ${reason}` })) })
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  #askIn(ms: number): void {
    if (this.#isClosed) return
    this.#timer?.cancel()
    this.#timer = this.#options.clock.setTimeout(() => void this.#ask(), ms)
  }

  async #ask(): Promise<void> {
    this.#isAsking = true
    try {
      const { socket } = this.#options
      const [live, listeners, refused] = await Promise.all(
        ['/ready', listenersPath, refusedListenersPath].map(path => askEnvoy(socket, path)),
      )
      this.#isLive = live!.status === 200
      if (this.#isLive && !this.#isClosed) this.#become(boundListeners(listeners!.body, refused!.body))
    } catch {
      // Not up yet, or gone: the process says which.
      this.#isLive = false
    }
    this.#isAsking = false
    this.#askIn(this.#options.clock.monotonic() < this.#tightUntil ? tightMs : steadyMs)
  }

  #become(bound: BoundListeners): void {
    if (JSON.stringify(bound) === JSON.stringify(this.#bound)) return
    this.#bound = bound
    this.#options.onChange(bound)
  }
}
