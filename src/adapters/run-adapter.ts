import { durationMs } from '../model/duration.ts'
import { Backoff } from '../std/backoff.ts'
import { type Clock, sleep } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import type { Random } from '../std/random.ts'
import type { Adapter, AdapterDeps, Item, OpenAdapter, Scope, Source } from './adapter.ts'
import type { Budgets } from './budget.ts'
import { countedBudget } from './counted-calls.ts'
import { type Decision, defaultHoldForMs, defaultMaxShrinkPercent, type GuardLimits } from './guard/state.ts'
import { ScopeRunner } from './scope-runner.ts'
import type { ScopeStatus } from './scope-status.ts'

/** First listings of a source's scopes begin so far apart, at most an interval in all: a start must not spend a platform's whole budget. */
const spreadMs = 200

export interface RunAdapterOptions {
  readonly source: Source
  readonly load: () => Promise<Adapter>
  readonly secret: AdapterDeps['secret']
  readonly budgets: Budgets
  /** What the registry calls the thing with this id. */
  readonly fingerprint: (scope: string, id: string) => string
  /** What a registry remembers of the source, by scope; ids are fingerprints. */
  readonly restored: ReadonlyMap<string, readonly Item[]>
  /** By scope: what the platform said that it is. */
  readonly identities: ReadonlyMap<string, string>
  /** As names of scopes are remembered, of their ids. */
  readonly scopeKey: (scope: string) => string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly publish: (scope: string, decision: Decision) => void
  readonly onStatus: () => void
}

export interface SourceStatus {
  /** Why the source as a whole cannot be asked; '' = it can. */
  readonly error: string
  /** Why some scopes may not be known, in words for people. */
  readonly missing: readonly string[]
  readonly scopes: readonly ScopeStatus[]
}

/** Opens a source, finds what is listed as one in it, and runs each of those, until it is closed. What it found stays where it was published. */
export class RunningSource implements AsyncDisposable {
  readonly #options: RunAdapterOptions
  readonly #stop = new AbortController()
  /** By `scopeKey`. */
  readonly #scopes = new Map<string, ScopeRunner>()
  readonly #ended: Promise<void>
  #error = ''
  #missing: readonly string[] = []

  constructor(options: RunAdapterOptions) {
    this.#options = options
    for (const [key, items] of options.restored) if (items.length > 0) this.#scopes.set(key, this.#runner(key, items, key))
    this.#ended = this.#run()
  }

  status(): SourceStatus {
    return { error: this.#error, missing: this.#missing, scopes: [...this.#scopes.values()].map(scope => scope.status()) }
  }

  scopes(): readonly ScopeRunner[] {
    return [...this.#scopes.values()]
  }

  item(scope: string, id: string): Item | undefined {
    return this.#scopes.get(this.#options.scopeKey(scope))?.item(id)
  }

  /** Lets go what is held. @param scope absent = in all scopes. @returns how many were removed at once */
  release(scope?: string): number {
    let count = 0
    for (const [key, runner] of this.#scopes) {
      if (scope !== undefined && runner.id !== scope) continue
      const { removed, isOver } = runner.release()
      count += removed
      if (isOver) this.#scopes.delete(key)
    }
    this.#options.onStatus()
    return count
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#ended
    this.#options.budgets.forget(this.#options.source.name)
  }

  async #run(): Promise<void> {
    const { log, random, clock, source } = this.#options
    const { signal } = this.#stop
    const backoff = new Backoff({ baseMs: 1000, maxMs: 5 * 60_000, random })
    while (!signal.aborted) {
      try {
        const adapter = await this.#options.load()
        await using open = await adapter.open(source, this.#deps())
        this.#say('')
        try {
          await this.#watchScopes(adapter, open, signal, backoff)
        } finally {
          // Before what they ask is closed.
          await Promise.all(this.scopes().map(scope => scope.stop()))
        }
      } catch (error) {
        if (signal.aborted) break
        this.#say(error instanceof Error ? error.message : String(error))
        const waitMs = backoff.nextMs()
        log.warn('a source cannot be asked', { source: source.name, error, retryInMs: Math.round(waitMs) })
        await sleep(clock, waitMs, signal)
      }
    }
  }

  async #watchScopes(adapter: Adapter, open: OpenAdapter, signal: AbortSignal, backoff: Backoff): Promise<void> {
    const { clock, random, log, source } = this.#options
    const { intervalMs } = guardLimits(source, adapter)
    while (!signal.aborted) {
      let waitMs = intervalMs * (0.8 + random.next() * 0.4)
      try {
        const listing = await open.scopes(signal)
        if (signal.aborted) return
        backoff.reset()
        this.#missing = listing.missing
        this.#start(adapter, open, listing.scopes)
        if (listing.complete) await this.#orphan(new Set(listing.scopes.map(scope => this.#options.scopeKey(scope.id))))
        this.#say('')
      } catch (error) {
        if (signal.aborted) return
        // The scopes that are known go on as they are.
        waitMs = Math.max(backoff.nextMs(), (error as { retryAfterMs?: number }).retryAfterMs ?? 0)
        this.#say(error instanceof Error ? error.message : String(error))
        log.warn('the scopes of a source could not be told', { source: source.name, error, retryInMs: Math.round(waitMs) })
      }
      await sleep(clock, waitMs, signal)
    }
  }

  #start(adapter: Adapter, open: OpenAdapter, scopes: readonly Scope[]): void {
    const { random, source, scopeKey } = this.#options
    const limits = guardLimits(source, adapter)
    const spread = Math.min(limits.intervalMs, spreadMs * (scopes.length - 1))
    for (const scope of scopes) {
      const key = scopeKey(scope.id)
      let runner = this.#scopes.get(key)
      // One that was only remembered gets its name, and the limits that its adapter has.
      if (runner === undefined || runner.id !== scope.id) {
        runner = this.#runner(scope.id, runner?.items() ?? [], key, limits)
        this.#scopes.set(key, runner)
      }
      runner.start(open, scope, random.next() * spread)
    }
  }

  async #orphan(named: ReadonlySet<string>): Promise<void> {
    for (const [key, runner] of this.#scopes) {
      if (named.has(key)) continue
      if (runner.items().some(item => item.outcome.kind === 'workload')) await runner.orphan()
      else {
        await runner.stop()
        this.#scopes.delete(key)
      }
    }
  }

  #runner(id: string, restored: readonly Item[], key: string, limits?: GuardLimits): ScopeRunner {
    const { clock, random, log, identities, fingerprint, publish, onStatus, source } = this.#options
    return new ScopeRunner(id, {
      limits: limits ?? { intervalMs: 60_000, ...stated(source) },
      fingerprint: item => fingerprint(id, item),
      restored,
      identity: identities.get(key) ?? identities.get(id),
      clock,
      random,
      log: log.child({ source: source.name }),
      publish: decision => publish(id, decision),
      onStatus,
    })
  }

  #deps(): AdapterDeps {
    const { source, budgets, secret, clock, random, log } = this.#options
    return {
      secret,
      budget: countedBudget(budgets.of(source.name, source.spec.limits?.requestsPerSecond)),
      clock,
      random,
      log: log.child({ source: source.name }),
    }
  }

  #say(error: string): void {
    if (this.#error === error) return
    this.#error = error
    this.#options.onStatus()
  }
}

/** What a source says of how fast it is believed, and what holds where it says nothing. */
export function guardLimits(source: Source, adapter: Pick<Adapter, 'intervalMs'>): GuardLimits {
  const { interval } = source.spec.limits ?? {}
  return { intervalMs: interval === undefined ? adapter.intervalMs : durationMs(interval), ...stated(source) }
}

function stated({ spec: { limits } }: Source): Omit<GuardLimits, 'intervalMs'> {
  return {
    maxShrinkPercent: limits?.maxShrinkPercent ?? defaultMaxShrinkPercent,
    holdForMs: limits?.holdFor === undefined ? defaultHoldForMs : durationMs(limits.holdFor),
  }
}
