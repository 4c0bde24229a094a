type Labels = Readonly<Record<string, string>>

/**
 * Finds, among many label selectors, those that a resource may fulfil, without trying each of them: a selector is looked up by that one
 * of its labels that the fewest others ask for.
 */
export class SelectorIndex {
  /** Selectors by the value they ask for, by label. */
  readonly #byLabel = new Map<string, Map<string, number[]>>()
  /** Those that ask for nothing. */
  readonly #unbound: number[] = []

  /** A selector is known by its place in the list. */
  constructor(selectors: readonly Labels[]) {
    const uses = new Map<string, number>()
    const keysOf = (selector: Labels) => Object.entries(selector).map(([label, value]) => ({ label, value, key: `${label}=${value}` }))
    for (const selector of selectors) for (const { key } of keysOf(selector)) uses.set(key, (uses.get(key) ?? 0) + 1)
    selectors.forEach((selector, place) => {
      const [first, ...others] = keysOf(selector)
      if (!first) {
        this.#unbound.push(place)
        return
      }
      const rarest = others.reduce((best, pair) => (uses.get(pair.key)! < uses.get(best.key)! ? pair : best), first)
      const byValue = this.#byLabel.get(rarest.label) ?? new Map<string, number[]>()
      this.#byLabel.set(rarest.label, byValue)
      const places = byValue.get(rarest.value)
      if (places) places.push(place)
      else byValue.set(rarest.value, [place])
    })
  }

  /** Places of selectors of which `labels` fulfil one label at least, and of those that ask for nothing; in no order, each once. */
  candidates(labels: Labels): number[] {
    const places = [...this.#unbound]
    for (const [label, byValue] of this.#byLabel) {
      const value = labels[label]
      const found = value === undefined ? undefined : byValue.get(value)
      if (found) places.push(...found)
    }
    return places
  }
}
