import type { Fence, Leadership, Term } from './leadership.ts'
import { LeadershipLostError } from './store.ts'

/** Leadership in a store that one process has to itself: whoever asks leads, one after the other. */
export class LocalLeadership implements Leadership {
  readonly #current = new Map<string, { readonly term: number; readonly ended: Promise<void> }>()
  #terms = 0

  async lead(role: string, signal: AbortSignal): Promise<Term> {
    for (let current = this.#current.get(role); current; current = this.#current.get(role)) {
      await Promise.race([current.ended, aborted(signal)])
      signal.throwIfAborted()
    }
    signal.throwIfAborted()
    const term = ++this.#terms
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    this.#current.set(role, { term, ended })
    return {
      fence: { role, term },
      ended,
      resign: async () => {
        if (this.#current.get(role)?.term === term) this.#current.delete(role)
        resolve()
      },
    }
  }

  /** Throws LeadershipLostError when that term is over. */
  check(fence: Fence | undefined): void {
    if (fence && this.#current.get(fence.role)?.term !== fence.term) throw new LeadershipLostError(fence.role)
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
