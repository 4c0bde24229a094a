import type { ServerResponse } from 'node:http'
import type { Clock } from '../std/clock.ts'
import { Waiters } from './waiters.ts'

/** What changes by itself and has no revision: an answer that is read now, and a way to hear that it may be another. */
export interface Followed {
  /** The answer as JSON. Throws what the request is to be answered with. */
  readonly read: () => string
  readonly follow: (onChange: () => void) => () => void
}

/** An answer that was seen under this index. Between two answers that differ the index rises. */
export interface Seen {
  readonly index: number
  readonly text: string
}

/** Answers remembered though nobody waits, so that a reader that comes back is told whether anything changed. */
const REMEMBERED = 2000

/** Numbers the answers to the same question, and lets readers wait for the next one. One reading serves all of them. */
export class EndpointFollowers {
  readonly #clock: Pick<Clock, 'setTimeout'>
  readonly #entries = new Map<string, Entry>()
  #lastIndex: number

  /** `beginning`: above every index that an earlier process gave; the Unix time in ms is. */
  constructor({ clock, closing, beginning }: { clock: Pick<Clock, 'setTimeout'>; closing: AbortSignal; beginning: number }) {
    this.#clock = clock
    this.#lastIndex = beginning
    closing.addEventListener('abort', () => this.#wakeAll(), { once: true })
  }

  /** What is true now. */
  read(key: string, followed: Followed): Seen {
    return this.#refresh(this.#entry(key, followed))
  }

  /** What is true when it is no longer what `index` stood for, or `ms` are over. undefined = the reader hung up. */
  async next(
    key: string,
    followed: Followed,
    { index, ms, response }: { index: number; ms: number; response: ServerResponse },
  ): Promise<Seen | undefined> {
    const entry = this.#entry(key, followed)
    if (this.#refresh(entry).index !== index) return entry.seen
    entry.followers++
    entry.unfollow ??= followed.follow(() => this.#touch(entry))
    try {
      const end = await entry.waiters.wait(response, ms)
      return end === 'gone' ? undefined : this.#refresh(entry)
    } finally {
      if (--entry.followers === 0) {
        entry.unfollow?.()
        entry.unfollow = undefined
      }
    }
  }

  #entry(key: string, followed: Followed): Entry {
    let entry = this.#entries.get(key)
    if (entry) this.#entries.delete(key)
    else entry = { followed, waiters: new Waiters(this.#clock), seen: undefined, followers: 0, unfollow: undefined, isTouched: false }
    this.#entries.set(key, entry)
    if (this.#entries.size > REMEMBERED) this.#forgetOne()
    return entry
  }

  /** The one that was asked for longest ago, of those that nobody waits for. */
  #forgetOne(): void {
    for (const [key, { followers }] of this.#entries) {
      if (followers > 0) continue
      this.#entries.delete(key)
      return
    }
  }

  /** All changes of one commit are one reading. */
  #touch(entry: Entry): void {
    if (entry.isTouched) return
    entry.isTouched = true
    queueMicrotask(() => {
      entry.isTouched = false
      const before = entry.seen?.index
      let after: number | undefined
      try {
        after = this.#refresh(entry).index
      } catch {
        // It is gone: that is an answer, too, and each reader gets it for itself.
      }
      if (after !== before) entry.waiters.wake()
    })
  }

  #refresh(entry: Entry): Seen {
    const text = entry.followed.read()
    if (entry.seen?.text !== text) entry.seen = { index: ++this.#lastIndex, text }
    return entry.seen
  }

  #wakeAll(): void {
    for (const { waiters } of this.#entries.values()) waiters.wake()
  }
}

interface Entry {
  readonly followed: Followed
  readonly waiters: Waiters
  seen: Seen | undefined
  followers: number
  unfollow: (() => void) | undefined
  isTouched: boolean
}
