import type { Revision } from '../model/resource.ts'
import type { Fence, Term } from './leadership.ts'
import type { Presence } from './presence.ts'
import {
  LeadershipLostError,
  type Store,
  type StoreChange,
  type StoreOperation,
  type StoreSnapshot,
  StoreUnavailableError,
} from './store.ts'

export interface ExclusiveOptions {
  /** Who may have it open once, e.g. `zone aws-1`. */
  readonly owner: string
  /** How long to wait for the one before to go: longer than a term of leadership outlives a process that was killed, ms. Default 15 s. */
  readonly waitMs?: number
}

/** Another process has the store, and goes on having it. */
export class ReplicaUnsupportedError extends Error {
  override name = 'ReplicaUnsupportedError'
  readonly code = 'SKERRY_REPLICA_UNSUPPORTED'
  constructor(owner: string, waitMs: number) {
    super(
      `another control plane of ${owner} runs on this store (it was waited for ${waitMs / 1000} s): only global can be several. Stop the other one, or give this one a zone and an --etcd-prefix of its own`,
    )
  }
}

const role = 'control-plane'

/**
 * A store in a cluster, of which only one process at a time is the control plane: what that knows of its proxies is in its memory, and a
 * second one would publish other endpoints. Every commit carries the term, so that one that was paused and replaced does no harm.
 */
export class ExclusiveStore implements Store {
  readonly failed: Promise<Error>
  readonly #store: Store
  readonly #options: Required<ExclusiveOptions>
  readonly #closing = new AbortController()
  readonly #holding: Promise<void>
  #term: Term

  /** Throws ReplicaUnsupportedError. */
  static async open(store: Store, { owner, waitMs = 15_000 }: ExclusiveOptions): Promise<ExclusiveStore> {
    const term = await store.lead(role, AbortSignal.timeout(waitMs)).catch((error: Error) => {
      throw error.name === 'TimeoutError' ? new ReplicaUnsupportedError(owner, waitMs) : error
    })
    return new ExclusiveStore(store, term, { owner, waitMs })
  }

  private constructor(store: Store, term: Term, options: Required<ExclusiveOptions>) {
    this.#store = store
    this.#term = term
    this.#options = options
    const lost = Promise.withResolvers<Error>()
    this.failed = Promise.race([store.failed, lost.promise])
    this.#holding = this.#hold(lost.resolve)
  }

  load(): Promise<StoreSnapshot> {
    return this.#store.load()
  }

  async commit(operations: readonly StoreOperation[], fence: Fence = this.#term.fence): Promise<Revision> {
    try {
      return await this.#store.commit(operations, fence)
    } catch (error) {
      if (!(error instanceof LeadershipLostError) || error.role !== role) throw error
      throw new StoreUnavailableError('the store', 'this control plane has lost its hold on it and takes it up again', false)
    }
  }

  watch(from: Revision, signal: AbortSignal): AsyncIterable<readonly StoreChange[]> {
    return this.#store.watch(from, signal)
  }

  lead(other: string, signal: AbortSignal): Promise<Term> {
    return this.#store.lead(other, signal)
  }

  join(process: string): Presence {
    return this.#store.join(process)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#holding
    await this.#store.close()
  }

  /** After each term the next, until another process has the store. A store that does not answer may still be ours. */
  async #hold(onLost: (error: Error) => void): Promise<void> {
    const { signal } = this.#closing
    const closing = new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
    const { owner, waitMs } = this.#options
    for (;;) {
      await Promise.race([this.#term.ended, closing])
      if (signal.aborted) return await this.#term.resign()
      for (let term: Term | undefined; !term; ) {
        const patience = AbortSignal.any([signal, AbortSignal.timeout(waitMs)])
        term = await this.#store.lead(role, patience).catch(() => undefined)
        if (term) this.#term = term
        else if (signal.aborted) return
        else if (await this.#answers()) return onLost(new ReplicaUnsupportedError(owner, waitMs))
      }
    }
  }

  async #answers(): Promise<boolean> {
    return await this.#store.commit([]).then(
      () => true,
      () => false,
    )
  }
}
