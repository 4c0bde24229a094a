import { StoreFailedError, StoreFullError, StoreUnavailableError } from './store.ts'

/** What the last commit says of the store. `held`: it does not answer at the moment, as an etcd without a quorum. */
export type StoreState = { readonly kind: 'ok' } | { readonly kind: 'full' | 'held' | 'failed'; readonly reason: string }

/** Tells whether writes are taken, as the writers learn it. */
export class StoreHealth {
  readonly #listeners = new Set<(state: StoreState) => void>()
  #state: StoreState = { kind: 'ok' }

  get state(): StoreState {
    return this.#state
  }

  onChange(listener: (state: StoreState) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** A commit was taken. */
  worked(): void {
    if (this.#state.kind !== 'ok') this.#change({ kind: 'ok' })
  }

  /** A commit was refused; only what is the store's own fault counts. */
  refused(error: unknown): void {
    const kind =
      error instanceof StoreFullError
        ? 'full'
        : error instanceof StoreUnavailableError
          ? 'held'
          : error instanceof StoreFailedError
            ? 'failed'
            : undefined
    if (kind && kind !== this.#state.kind) this.#change({ kind, reason: (error as Error).message })
  }

  failed(error: Error): void {
    if (this.#state.kind !== 'failed') this.#change({ kind: 'failed', reason: error.message })
  }

  #change(state: StoreState): void {
    if (this.#state.kind === 'failed') return // for good: the program ends
    this.#state = state
    for (const listener of [...this.#listeners]) listener(state)
  }
}
