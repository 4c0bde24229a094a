import type { Log } from '../std/log.ts'
import type { Fence, Leadership } from './leadership.ts'

/** Whether this process is the one that does a role's work now. */
export interface Leading {
  /** Goes with every commit of that work; undefined while another process does it. */
  readonly fence: Fence | undefined
  /** `listener` is told when a term begins and when it is over. @returns what ends it. */
  onChange(listener: (fence: Fence | undefined) => void): () => void
}

/** Stands for a role as long as it is open: after each term that ended, for the next. */
export class LeaderRole implements Leading {
  readonly #listeners = new Set<(fence: Fence | undefined) => void>()
  readonly #closing = new AbortController()
  readonly #log: Log
  readonly #standing: Promise<void>
  #fence: Fence | undefined

  constructor({ leadership, role, log }: { leadership: Leadership; role: string; log: Log }) {
    this.#log = log
    this.#standing = this.#stand(leadership, role)
  }

  get fence(): Fence | undefined {
    return this.#fence
  }

  onChange(listener: (fence: Fence | undefined) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Resolves when another may lead. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await this.#standing
  }

  async #stand(leadership: Leadership, role: string): Promise<void> {
    const { signal } = this.#closing
    const stopped = new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
    while (!signal.aborted) {
      const term = await leadership.lead(role, signal).catch((error: Error) => {
        // The store, or this, is being closed.
        if (!signal.aborted) this.#log.error('this process stands for leader no more', { role, error })
        return undefined
      })
      if (!term) return
      this.#log.debug('this process leads', { role, term: term.fence.term })
      this.#set(term.fence)
      await Promise.race([term.ended, stopped])
      this.#set(undefined)
      if (signal.aborted) await term.resign()
      else this.#log.warn('this process leads no more: another may do its work', { role, term: term.fence.term })
    }
  }

  #set(fence: Fence | undefined): void {
    this.#fence = fence
    for (const listener of [...this.#listeners]) listener(fence)
  }
}
