import { formatKey, type Resource, type ResourceKey } from '../../../model/resource.ts'
import { type ChangeBatch, keyOfChange } from '../../../registry/change-batch.ts'
import type { Clock, Timer } from '../../../std/clock.ts'

/** What changed is taken in together, so often at most, ms: while somebody follows the changes, and while nobody does. */
const watchedMs = 100
const unwatchedMs = 1_000

/** A resource that changed since it was taken in last. */
export interface Marked {
  readonly key: ResourceKey
  /** As it was then. */
  readonly before: Resource | undefined
  revision: number
  /** Who wrote it, where that is known already. */
  by: string | undefined
}

/** Gathers what changed, on the way of every write, and says when to look at it. */
export class Intake {
  readonly #clock: Clock
  readonly #settle: () => void
  readonly #marked = new Map<string, Marked>()
  readonly #watchers = new Set<symbol>()
  #timer: Timer | undefined
  #settledAt = Number.NEGATIVE_INFINITY
  #isClosed = false

  /** @param settle takes in what is marked; it calls `begin` first */
  constructor(clock: Clock, settle: () => void) {
    this.#clock = clock
    this.#settle = settle
  }

  get isEmpty(): boolean {
    return this.#marked.size === 0
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Nothing is looked at here. */
  mark({ revision, changes }: ChangeBatch): void {
    for (const change of changes) {
      const key = keyOfChange(change)
      const id = formatKey(key)
      const marked = this.#marked.get(id)
      if (marked) marked.revision = revision
      else this.#marked.set(id, { key, before: change.previous, revision, by: undefined })
    }
    this.arm()
  }

  /** false = it is not marked: it was taken in already. */
  wroteBy(key: ResourceKey, by: string): boolean {
    const marked = this.#marked.get(formatKey(key))
    if (marked) marked.by = by
    return marked !== undefined
  }

  /** What is marked, at most so much of it; it is not any more. */
  *take(limit: number): Iterable<Marked> {
    let left = limit
    for (const [id, marked] of this.#marked) {
      if (left-- === 0) return
      this.#marked.delete(id)
      yield marked
    }
  }

  /** There is something to take in, soon or after `delayMs`. */
  arm(delayMs?: number): void {
    if (this.#isClosed || this.#timer) return
    const pauseMs = this.#watchers.size > 0 ? watchedMs : unwatchedMs
    const waitMs = delayMs ?? Math.max(0, this.#settledAt + pauseMs - this.#clock.monotonic())
    this.#timer = this.#clock.setTimeout(this.#settle, waitMs)
  }

  /** It is taken in now: nobody needs to be woken for it. */
  begin(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#settledAt = this.#clock.monotonic()
  }

  /** Somebody follows the changes. @returns call it when he does not any more */
  watch(): () => void {
    const watcher = Symbol('watcher')
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }
}
