import { displayNameLabel, envLabel, meshLabel, originLabel, zoneLabel } from '../model/labels.ts'
import { PersistentMap } from './persistent-map.ts'

type Labels = Readonly<Record<string, string>>
/** A set that shares what it has with the one before it. */
type Names = PersistentMap<string, true>

export interface Relabelled {
  readonly name: string
  /** undefined = it is new. */
  readonly before: Labels | undefined
  /** undefined = it is gone. */
  readonly after: Labels | undefined
}

/** All of a mesh have these alike, or each has its own: looking them up narrows nothing, and keeping them would cost every change. */
const unindexed: ReadonlySet<string> = new Set([meshLabel, zoneLabel, originLabel, envLabel, displayNameLabel])

/** Names of resources by label and value. Immutable; `with` shares what the changes leave alone. */
export class LabelIndex {
  /** A new one each time: a second line of versions from one map begins with a copy of the first. */
  static empty(): LabelIndex {
    return new LabelIndex(PersistentMap.empty())
  }

  readonly #names: PersistentMap<string, Names>

  private constructor(names: PersistentMap<string, Names>) {
    this.#names = names
  }

  with(changes: Iterable<Relabelled>): LabelIndex {
    const touched = new Map<string, Map<string, true | undefined>>()
    const mark = (key: string, name: string, isThere: true | undefined) => {
      const names = touched.get(key)
      if (names) names.set(name, isThere)
      else touched.set(key, new Map([[name, isThere]]))
    }
    for (const { name, before, after } of changes) {
      for (const [label, value] of indexable(before)) if (after?.[label] !== value) mark(keyOf(label, value), name, undefined)
      for (const [label, value] of indexable(after)) if (before?.[label] !== value) mark(keyOf(label, value), name, true)
    }
    if (touched.size === 0) return this
    const next = new Map<string, Names | undefined>()
    for (const [key, changed] of touched) {
      const names = (this.#names.get(key) ?? PersistentMap.empty<string, true>()).with(changed)
      next.set(key, names.size === 0 ? undefined : names)
    }
    return new LabelIndex(this.#names.with(next))
  }

  /** Names that have one of these labels, and perhaps not the others; null = the index cannot narrow it down. */
  candidates(labels: Labels): Iterable<string> | null {
    const [first] = indexable(labels)
    return first ? (this.#names.get(keyOf(...first))?.keys() ?? []) : null
  }

  has(label: string, value: string): boolean {
    return this.#names.has(keyOf(label, value))
  }
}

function indexable(labels: Labels | undefined): [string, string][] {
  return Object.entries(labels ?? {}).filter(([label]) => !unindexed.has(label))
}

function keyOf(label: string, value: string): string {
  return `${label}=${value}`
}
