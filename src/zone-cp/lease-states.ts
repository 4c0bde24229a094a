import type { DataplaneFacts } from '../derive/facts.ts'
import { agentlessReadiness } from '../derive/readiness.ts'
import { type Dataplane, type DataplaneSpec, inboundName, isAgentless } from '../model/kinds/dataplane.ts'
import type { LiveFacts } from '../registry/live.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock, Timer } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import { factsKey, type ReadinessTracker } from './readiness-tracker.ts'

interface Options {
  readonly registry: Registry
  readonly facts: LiveFacts<string, DataplaneFacts>
  readonly readiness: ReadinessTracker
  readonly clock: Clock
  readonly log: Log
}

/** After a write that failed: what an agent tells comes once, and must not be lost with it. ms */
const tryAgainMs = 1000

/**
 * Writes what an agent on a machine tells of a workload without a proxy into its Dataplane, as a discovering source does: the gateways that
 * call it go by that. Only what changes is written: an agent that renews its lease costs nothing.
 */
export class LeaseStates {
  readonly #options: Options
  /** By facts key: a write is under way. */
  readonly #writing = new Set<string>()
  /** By facts key: a write failed, and is tried again. */
  readonly #retries = new Map<string, Timer>()
  readonly #unsubscribe: () => void
  #isClosed = false

  constructor(options: Options) {
    this.#options = options
    options.facts.onChange(key => this.#look(key))
    // An agent that registers anew says nothing of states: they follow from what is known of it.
    this.#unsubscribe = options.registry.onChange(({ changes }) => {
      for (const change of changes) {
        if (change.kind === 'put' && change.resource.kind === 'Dataplane') this.#look(factsKey(change.resource.mesh, change.resource.name))
      }
    })
  }

  close(): void {
    this.#isClosed = true
    this.#unsubscribe()
    for (const timer of this.#retries.values()) timer.cancel()
  }

  #look(key: string): void {
    if (this.#isClosed || this.#writing.has(key) || !this.#wanted(key)) return
    this.#writing.add(key)
    void this.#write(key)
  }

  async #write(key: string): Promise<void> {
    const { registry, clock, log } = this.#options
    this.#retries.get(key)?.cancel()
    this.#retries.delete(key)
    try {
      // What is told while a write is under way goes out with the next one, all of it together.
      for (let next = this.#wanted(key); next && !this.#isClosed; next = this.#wanted(key)) {
        const { kind, mesh, name, labels } = next.dataplane
        await registry.commit([{ kind: 'put', draft: { kind, mesh, name, labels, spec: next.spec } }])
      }
    } catch (error) {
      log.error('the state of a workload without a proxy could not be written', { dataplane: key, error, retryInMs: tryAgainMs })
      if (!this.#isClosed)
        this.#retries.set(
          key,
          clock.setTimeout(() => this.#again(key), tryAgainMs),
        )
    } finally {
      this.#writing.delete(key)
    }
  }

  #again(key: string): void {
    this.#retries.delete(key)
    this.#look(key)
  }

  #wanted(key: string): { readonly dataplane: Dataplane; readonly spec: DataplaneSpec } | null {
    const { registry, facts, readiness } = this.#options
    const [mesh = '', name = ''] = key.split('/')
    const known = facts.get(key)
    if (known === undefined) return null
    const dataplane = registry.get<Dataplane>({ kind: 'Dataplane', mesh, name })
    if (!dataplane || !isAgentless(dataplane) || !readiness.isManagedByAgent(dataplane)) return null
    const spec = withStates(dataplane.spec, known)
    return spec === dataplane.spec ? null : { dataplane, spec }
  }
}

/** Each inbound with the state that follows from what its agent told; the same object when that is the state that it has. Pure. */
export function withStates(spec: DataplaneSpec, facts: DataplaneFacts): DataplaneSpec {
  const { inbound = [] } = spec.networking
  // Without what is written there now: that is what this decides.
  const undeclared = inbound.map(({ state: _state, ...rest }) => rest)
  const { inbounds } = agentlessReadiness({ ...spec, networking: { ...spec.networking, inbound: undeclared } }, () => null, facts)
  const stated = inbound.map(it => ({
    ...it,
    state: inbounds.get(inboundName(it))?.state === 'ready' ? ('Ready' as const) : ('NotReady' as const),
  }))
  const isSame = stated.every((it, index) => it.state === inbound[index]!.state)
  return isSame ? spec : { ...spec, networking: { ...spec.networking, inbound: stated } }
}
