import { Backoff } from '../std/backoff.ts'
import { type Clock, sleep } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import type { Random } from '../std/random.ts'
import { type Change, type Item, ListAgainError, type Listing, type OpenAdapter, type Scope, SourceCallError } from './adapter.ts'
import { countCalls } from './counted-calls.ts'
import { absentIds, heldItems, onChanges, onConfirmed, onListing, onRelease, removeAll, restore } from './guard/guard.ts'
import { type Decision, emptyGuard, type GuardLimits, type GuardState, isWorkload } from './guard/state.ts'
import type { ScopeState, ScopeStatus } from './scope-status.ts'
import { withinTime } from './within-time.ts'

/** What takes longer is given up: a listing would not be true any more. */
const answerWithinMs = 5 * 60_000
/** So many things are compared with what is known in one turn of the event loop. */
const sliceSize = 1000
/** Single things are asked for by so many at a time. */
const confirmBatch = 100

export interface ScopeRunnerOptions {
  readonly limits: GuardLimits
  readonly fingerprint: (id: string) => string
  /** What a registry remembers of the scope, by fingerprints. */
  readonly restored: readonly Item[]
  /** What the platform said that it is when it was last believed. */
  readonly identity: string | undefined
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** What becomes of what was found. */
  readonly publish: (decision: Decision) => void
  /** Something that `status` tells is another than before. */
  readonly onStatus: () => void
}

/** Lists a scope again and again, follows it where that can be done, and keeps what may be believed of it. */
export class ScopeRunner {
  readonly id: string
  readonly #options: ScopeRunnerOptions
  readonly #guard: GuardState
  readonly #backoff: Backoff
  #scope: Scope | null = null
  #running: { readonly stop: AbortController; readonly ended: Promise<void> } | null = null
  #wake: () => void = () => {}
  #follow: { readonly stop: AbortController; readonly ended: Promise<unknown> } | null = null
  #state: ScopeState = 'Connecting'
  #reason = 'it has not been listed yet'
  #orphaned = false
  #lastCompleteAtMs: number | null = null
  #lastError: ScopeStatus['lastError'] = null
  #last = { pages: 0, calls: 0, tookMs: 0 }

  constructor(id: string, options: ScopeRunnerOptions) {
    this.id = id
    this.#options = options
    this.#guard = emptyGuard(options.fingerprint)
    this.#guard.identity = options.identity
    this.#backoff = new Backoff({ baseMs: 1000, maxMs: 5 * 60_000, random: options.random })
    restore(this.#guard, options.restored)
  }

  /** Begins, or goes on with what the platform says of the scope now. */
  start(adapter: OpenAdapter, scope: Scope, firstAfterMs: number): void {
    const wasSuspended = this.#scope?.suspended
    this.#scope = scope
    this.#orphaned = false
    if (this.#running === null) {
      const stop = new AbortController()
      this.#running = { stop, ended: this.#run(adapter, stop.signal, firstAfterMs) }
    } else if (wasSuspended !== scope.suspended) this.#wake()
  }

  /** The source names it no more: what was found stays, and is asked for no longer. */
  async orphan(): Promise<void> {
    if (this.#orphaned) return
    this.#orphaned = true
    await this.stop()
    this.#set('Held', 'the source no longer names this scope: what was found in it stays until an operator releases it')
  }

  async stop(): Promise<void> {
    this.#running?.stop.abort()
    await this.#running?.ended
    this.#running = null
  }

  /** @returns whether nothing is left of it, and it may be forgotten */
  release(): { readonly removed: number; readonly isOver: boolean } {
    const nowMs = this.#options.clock.monotonic()
    const decision = this.#orphaned ? removeAll(this.#guard, nowMs) : onRelease(this.#guard, nowMs)
    this.#publish(decision)
    if (this.#guard.released) this.#wake()
    this.#assess()
    return { removed: decision.removed.length, isOver: this.#orphaned }
  }

  items(): Item[] {
    return [...this.#guard.items.values()].map(known => known.item)
  }

  get isOrphaned(): boolean {
    return this.#orphaned
  }

  /** What ended lately, by id. */
  tombstones(): ReadonlyMap<string, { readonly reason: string }> {
    return this.#guard.tombstones
  }

  status(): ScopeStatus {
    const { clock } = this.#options
    const toUnix = clock.now() - clock.monotonic()
    let endpoints = 0
    for (const { item } of this.#guard.items.values()) if (item.outcome.kind === 'workload') endpoints += item.outcome.workload.ports.length
    return {
      scope: this.id,
      state: this.#state,
      reason: this.#reason,
      identity: this.#guard.identity,
      lastCompleteAtMs: this.#lastCompleteAtMs,
      lastError: this.#lastError,
      ...this.#last,
      workloads: this.#guard.workloads,
      endpoints,
      leftOut: this.#guard.items.size - this.#guard.workloads,
      held: heldItems(this.#guard).map(held => ({ ...held, sinceMs: held.sinceMs + toUnix })),
      follows: this.#follow !== null,
    }
  }

  async #run(adapter: OpenAdapter, signal: AbortSignal, firstAfterMs: number): Promise<void> {
    await this.#pause(firstAfterMs, signal)
    while (!signal.aborted) {
      const scope = this.#scope!
      if (scope.suspended !== undefined) {
        await this.#unfollow()
        this.#set('Suspended', scope.suspended)
        await this.#pause(this.#options.limits.intervalMs, signal)
        continue
      }
      const waitMs = await this.#readOnce(adapter, scope, signal)
      if (signal.aborted) break
      await this.#pause(Math.max(waitMs, 1), signal)
    }
    await this.#unfollow()
  }

  /** @returns how long to wait for the next listing, ms */
  async #readOnce(adapter: OpenAdapter, scope: Scope, signal: AbortSignal): Promise<number> {
    const { clock, log, limits, random } = this.#options
    const startedAtMs = clock.monotonic()
    try {
      const { result: listing, calls } = await countCalls(() => this.#within(signal, limited => adapter.list(scope, limited)))
      if (signal.aborted) return 0
      this.#last = { pages: listing.pages, calls, tookMs: clock.monotonic() - startedAtMs }
      const count = await this.#count(adapter, scope, listing, signal)
      if (signal.aborted) return 0
      await this.#hearInParts(listing, scope, startedAtMs)
      if (signal.aborted) return 0
      const heard = { listing, identity: scope.identity, startedAtMs, nowMs: clock.monotonic(), count }
      this.#publish(onListing(this.#guard, heard, limits))
      await this.#confirm(adapter, scope, signal)
      this.#lastError = null
      this.#backoff.reset()
      if (listing.complete && this.#guard.refused === null) this.#lastCompleteAtMs = clock.now()
      this.#state = listing.complete ? 'Synced' : 'Stale'
      this.#reason = listing.complete ? '' : `its last listing is not complete: ${listing.missing.join('; ')}`
      this.#assess()
      if (this.#guard.refused !== null) await this.#unfollow()
      else if (listing.complete || listing.cursor !== undefined) this.#followFrom(adapter, scope, listing.cursor, signal)
      // Two listings that speak for the same removal are an interval apart, and not a little less.
      const jitter = absentIds(this.#guard).length > 0 ? random.next() * 0.2 : random.next() * 0.4 - 0.2
      return limits.intervalMs * (1 + jitter)
    } catch (error) {
      if (signal.aborted) return 0
      const waitMs = Math.max(this.#backoff.nextMs(), (error instanceof SourceCallError && error.retryAfterMs) || 0)
      this.#failed(error)
      log.warn('a scope could not be listed', { scope: this.id, error, retryInMs: Math.round(waitMs) })
      return waitMs
    }
  }

  /** What is there can be said in parts: after them the whole, which alone says what is not there, costs little. */
  async #hearInParts({ items }: Listing, { identity }: Scope, startedAtMs: number): Promise<void> {
    const { clock, limits } = this.#options
    for (let at = 0; items.length > sliceSize && at < items.length; at += sliceSize) {
      const listing = { complete: false, missing: [], items: items.slice(at, at + sliceSize), gone: [], pages: 0 }
      this.#publish(onListing(this.#guard, { listing, identity, startedAtMs, nowMs: clock.monotonic(), count: null }, limits))
      await new Promise(resolve => setImmediate(resolve))
    }
  }

  /** From another place, and only where something is missing: it costs a call. */
  async #count(adapter: OpenAdapter, scope: Scope, listing: Listing, signal: AbortSignal): Promise<number | null> {
    if (adapter.count === undefined || !listing.complete) return null
    const listed = new Set(listing.items.map(item => item.id))
    if (!this.#lacksWorkload(listed)) return null
    try {
      return await this.#within(signal, limited => adapter.count!(scope, limited))
    } catch (error) {
      this.#options.log.debug('a scope could not be counted', { scope: this.id, error })
      return null
    }
  }

  #lacksWorkload(listed: ReadonlySet<string>): boolean {
    for (const { id, item } of this.#guard.items.values()) if (!listed.has(id) && isWorkload(item)) return true
    return false
  }

  async #confirm(adapter: OpenAdapter, scope: Scope, signal: AbortSignal): Promise<void> {
    if (adapter.confirm === undefined || this.#guard.refused !== null) return
    const { clock, log } = this.#options
    const ids = absentIds(this.#guard)
    for (let at = 0; at < ids.length && !signal.aborted; at += confirmBatch) {
      const askedAtMs = clock.monotonic()
      try {
        const answers = await this.#within(signal, limited => adapter.confirm!(scope, ids.slice(at, at + confirmBatch), limited))
        if (!signal.aborted) this.#publish(onConfirmed(this.#guard, answers, askedAtMs, clock.monotonic()))
      } catch (error) {
        // They stay in doubt: the next listing says more.
        log.debug('things that are not listed could not be asked for', { scope: this.id, error })
        return
      }
    }
  }

  #followFrom(adapter: OpenAdapter, scope: Scope, cursor: unknown, signal: AbortSignal): void {
    if (adapter.follow === undefined || this.#follow !== null || signal.aborted) return
    const { clock, log, limits } = this.#options
    const stop = new AbortController()
    const both = AbortSignal.any([signal, stop.signal])
    const tell = (changes: readonly Change[]) => {
      if (both.aborted || this.#guard.refused !== null) return
      this.#publish(onChanges(this.#guard, changes, clock.monotonic(), limits))
      this.#assess()
    }
    const ended = adapter
      .follow(scope, cursor, tell, both)
      .catch(error => error)
      .then(async error => {
        if (both.aborted) return
        this.#follow = null
        const waitMs = Math.max(this.#backoff.nextMs(), (error instanceof SourceCallError && error.retryAfterMs) || 0)
        if (error !== undefined && !(error instanceof ListAgainError)) {
          this.#failed(error)
          log.warn('a scope can no longer be followed and is listed again', { scope: this.id, error, retryInMs: Math.round(waitMs) })
        }
        await sleep(clock, waitMs, both)
        this.#wake()
      })
    this.#follow = { stop, ended }
    this.#options.onStatus()
  }

  async #unfollow(): Promise<void> {
    const follow = this.#follow
    this.#follow = null
    follow?.stop.abort()
    await follow?.ended
  }

  #within<T>(signal: AbortSignal, action: (limited: AbortSignal) => Promise<T>): Promise<T> {
    return withinTime(this.#options.clock, answerWithinMs, signal, action)
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController()
    this.#wake = () => woken.abort()
    return sleep(this.#options.clock, ms, AbortSignal.any([signal, woken.signal]))
  }

  #publish(decision: Decision): void {
    for (const { id, evidence, reason } of decision.removed)
      this.#options.log.info('what was found is removed', { scope: this.id, id, evidence, reason })
    if (decision.changed.length > 0 || decision.removed.length > 0) this.#options.publish(decision)
  }

  item(id: string): Item | undefined {
    return this.#guard.items.get(id)?.item
  }

  #failed(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    this.#lastError = {
      what: error instanceof SourceCallError ? error.what : 'unexpected',
      message,
      atMs: this.#options.clock.now(),
    }
    this.#set('Failing', message)
  }

  /** What is held comes before how the last listing went. */
  #assess(): void {
    const held = heldItems(this.#guard)
    if (this.#guard.refused !== null) this.#set('Held', this.#guard.refused)
    else if (held.length > 0) {
      const what = `${held.length} of ${this.#guard.workloads} workloads would be removed (${held[0]!.reason})`
      this.#set('Held', `${what}: they stay until it is confirmed, held for ${this.#options.limits.holdForMs / 1000} s, or released`)
    } else if (this.#state === 'Held' && !this.#orphaned) this.#set('Synced', '')
    else this.#options.onStatus()
  }

  #set(state: ScopeState, reason: string): void {
    this.#state = state
    this.#reason = reason
    this.#options.onStatus()
  }
}
