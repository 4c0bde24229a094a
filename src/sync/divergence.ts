import type { Clock } from '../std/clock.ts'
import { differingKinds, type VersionTable } from './digest.ts'

interface Suspicion {
  readonly theirs: string
  readonly mine: string
  /** ms, monotonic. */
  readonly since: number
}

/** Both sides stood still for this long and still differ, ms: nothing that was merely on its way takes so long. */
const certainAfterMs = 8_000
/** Fetching everything again did not help: not before this long once more, ms. */
const againAfterMs = 60_000

/**
 * Tells a difference that stays from one that is only under way, by comparing what the other side says that it sent with what was
 * received. It never happens when the delta engine on both sides is right; this notices when it is not.
 */
export class Divergence {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #suspected = new Map<string, Suspicion>()
  readonly #reported = new Map<string, number>()

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
  }

  /** At each beat. Returns the kinds that have to be fetched from scratch. */
  observe(theirs: Readonly<Record<string, string>>, mine: ReadonlyMap<string, VersionTable>): string[] {
    const now = this.#clock.monotonic()
    const differing = differingKinds(theirs, mine)
    for (const kind of this.#suspected.keys()) if (!differing.includes(kind)) this.#suspected.delete(kind)
    return differing.filter(kind => this.#isCertain(kind, { theirs: theirs[kind]!, mine: mine.get(kind)!.digest, since: now }))
  }

  #isCertain(kind: string, seen: Suspicion): boolean {
    const before = this.#suspected.get(kind)
    if (before?.theirs !== seen.theirs || before.mine !== seen.mine) {
      this.#suspected.set(kind, seen)
      return false
    }
    if (seen.since - before.since < certainAfterMs) return false
    if (seen.since - (this.#reported.get(kind) ?? Number.NEGATIVE_INFINITY) < againAfterMs) return false
    this.#suspected.delete(kind)
    this.#reported.set(kind, seen.since)
    return true
  }
}
