import { formatKey, type ResourceKey } from '../model/resource.ts'

/** A place in the queue of every key a writer claimed. */
interface Claim {
  /** Resolves when all earlier claims on these keys are released; undefined when there are none, so that nothing need be awaited. */
  readonly turn: Promise<unknown> | undefined
  release(): void
}

/**
 * Lets writers of the same key go one after the other, in the order they came, while writers of different keys do not wait. All keys
 * of a writer are claimed in one step, so two writers never wait for each other.
 */
export class KeyClaims {
  readonly #last = new Map<string, Promise<void>>()

  claim(keys: readonly ResourceKey[]): Claim {
    const ids = keys.map(formatKey)
    const earlier = ids.map(id => this.#last.get(id)).filter(claim => claim !== undefined)
    const { promise, resolve } = Promise.withResolvers<void>()
    for (const id of ids) this.#last.set(id, promise)
    return {
      turn: earlier.length > 0 ? Promise.all(earlier) : undefined,
      release: () => {
        for (const id of ids) if (this.#last.get(id) === promise) this.#last.delete(id)
        resolve()
      },
    }
  }

  /** Resolves when every claim made so far is released. */
  async settled(): Promise<void> {
    await Promise.all(this.#last.values())
  }
}
