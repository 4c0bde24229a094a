import type { Revision } from '../model/resource.ts'
import { CompactedError } from './store.ts'

/** One commit, as a history keeps it. */
interface Commit {
  readonly revision: Revision
  readonly changes: readonly unknown[]
}

/**
 * The newest commits, bounded by the number of changes in them, for any number of readers. A reader is only a position: it holds
 * nothing here, so a slow or dead one costs nothing, and one that is too slow learns so (CompactedError).
 */
export class ChangeHistory<C extends Commit> {
  readonly #limit: number
  readonly #waiting = new Set<() => void>()
  #commits: C[] = []
  /** Commits before this index are forgotten; cut off now and then, because shifting each time costs O(length). */
  #head = 0
  #changeCount = 0
  #oldest: Revision
  #latest: Revision
  #closed = false

  /** @param limit Changes kept at most; the last commit is kept whatever its size. */
  constructor(revision: Revision, limit: number) {
    this.#limit = limit
    this.#oldest = revision
    this.#latest = revision
  }

  /** The oldest position from which a reader can go on. */
  get oldest(): Revision {
    return this.#oldest
  }

  get latest(): Revision {
    return this.#latest
  }

  get closed(): boolean {
    return this.#closed
  }

  append(commit: C): void {
    this.#commits.push(commit)
    this.#changeCount += commit.changes.length
    this.#latest = commit.revision
    while (this.#changeCount > this.#limit && this.#head < this.#commits.length - 1) {
      const forgotten = this.#commits[this.#head]!
      this.#commits[this.#head] = undefined as never
      this.#head++
      this.#changeCount -= forgotten.changes.length
      this.#oldest = forgotten.revision
    }
    if (this.#head > 64 && this.#head * 2 > this.#commits.length) {
      this.#commits = this.#commits.slice(this.#head)
      this.#head = 0
    }
    this.#wakeAll()
  }

  /** Commits after `from`, oldest first. Throws CompactedError when some of them are forgotten, or `from` has not been yet. */
  after(from: Revision): readonly C[] {
    if (from < this.#oldest || from > this.#latest) throw new CompactedError(from, this.#oldest)
    if (from === this.#latest) return []
    let low = this.#head
    let high = this.#commits.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#commits[middle]!.revision > from) high = middle
      else low = middle + 1
    }
    return this.#commits.slice(low)
  }

  /** Resolves when there is something after `position`, when `signal` aborts, or when the history is closed. */
  moved(position: Revision, signal: AbortSignal): Promise<void> {
    if (this.#latest > position || this.#closed || signal.aborted) return Promise.resolve()
    return new Promise(resolve => {
      const wake = () => {
        this.#waiting.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      this.#waiting.add(wake)
      signal.addEventListener('abort', wake, { once: true })
    })
  }

  close(): void {
    this.#closed = true
    this.#wakeAll()
  }

  #wakeAll(): void {
    for (const wake of [...this.#waiting]) wake()
  }
}
