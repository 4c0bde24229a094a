import { type DataplaneFacts, unknownDataplane } from '../derive/facts.ts'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { LiveFacts } from '../registry/live.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock, Timer } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import { factsKey, type ReadinessTracker } from './readiness-tracker.ts'

/** After a start, how long a proxy that this control plane knows from its store has to come back before it counts as gone. */
const returnWithinMs = 10_000
const sweepMs = 5_000

interface Options {
  readonly registry: Registry
  readonly facts: LiveFacts<string, DataplaneFacts>
  readonly readiness: ReadinessTracker
  readonly offlineAfterMs: number
  readonly clock: Clock
  readonly log: Log
}

/**
 * Lets go of proxies that left without a word: out of the rotation at once when their stream breaks (readiness), out of the registry after
 * `offlineAfterMs`. What an agent did not register is not touched.
 */
export class Expiry {
  readonly #options: Options
  readonly #startedAt: number
  #timer: Timer

  constructor(options: Options) {
    this.#options = options
    this.#startedAt = options.clock.now()
    this.#timer = options.clock.setTimeout(() => this.#sweep(), sweepMs)
  }

  close(): void {
    this.#timer.cancel()
  }

  #sweep(): void {
    const { registry, facts, readiness, offlineAfterMs, clock, log } = this.#options
    const now = clock.now()
    for (const dataplane of registry.list<Dataplane>('Dataplane')) {
      if (!readiness.isManagedByAgent(dataplane)) continue
      const key = factsKey(dataplane.mesh, dataplane.name)
      const known = facts.get(key)
      if (!known && now - this.#startedAt > returnWithinMs) facts.set(key, unknownDataplane)
      const left = known?.connections.at(-1)?.disconnectedAtMs ?? (known?.connections.length === 0 ? this.#startedAt : null)
      if (left === null || now - left < offlineAfterMs) continue
      log.info('a proxy that left without a word is removed', { mesh: dataplane.mesh, proxy: dataplane.name, offlineForMs: now - left })
      // Its facts go when it is gone: without them it would count as ready until then.
      void registry.commit([{ kind: 'delete', key: dataplane }]).catch(error => log.error('a proxy could not be removed', { error }))
    }
    this.#timer = clock.setTimeout(() => this.#sweep(), sweepMs)
  }
}
