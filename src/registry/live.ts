/** `value` is undefined when the fact is gone, `previous` when it is new. */
export type FactListener<K, V> = (key: K, value: V | undefined, previous: V | undefined) => void

/**
 * Facts that die with this process: connected, acknowledged, healthy. Never stored. Listeners are called synchronously, after the
 * change, and not for a value that is the same (`Object.is`). A listener's error reaches whoever made the change.
 */
export class LiveFacts<K, V> {
  readonly #facts = new Map<K, V>()
  readonly #listeners = new Set<FactListener<K, V>>()

  get size(): number {
    return this.#facts.size
  }

  get(key: K): V | undefined {
    return this.#facts.get(key)
  }

  entries(): IterableIterator<[K, V]> {
    return this.#facts.entries()
  }

  set(key: K, value: V): void {
    const previous = this.#facts.get(key)
    if (this.#facts.has(key) && Object.is(previous, value)) return
    this.#facts.set(key, value)
    this.#tell(key, value, previous)
  }

  /** Sets what `change` makes of the present value; undefined deletes it. */
  update(key: K, change: (current: V | undefined) => V | undefined): void {
    const next = change(this.#facts.get(key))
    if (next === undefined) this.delete(key)
    else this.set(key, next)
  }

  delete(key: K): void {
    const previous = this.#facts.get(key)
    if (this.#facts.delete(key)) this.#tell(key, undefined, previous)
  }

  onChange(listener: FactListener<K, V>): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #tell(key: K, value: V | undefined, previous: V | undefined): void {
    for (const listener of [...this.#listeners]) listener(key, value, previous)
  }
}
