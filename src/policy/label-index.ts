import { displayNameLabel, envLabel, meshLabel, originLabel, zoneLabel } from '../model/labels.ts'

type Labels = Readonly<Record<string, string>>

export interface Relabelled {
  readonly name: string
  /** undefined = it is new. */
  readonly before: Labels | undefined
  /** undefined = it is gone. */
  readonly after: Labels | undefined
}

/** All of a mesh have these alike, or each has its own: looking them up narrows nothing, and keeping them would cost every change. */
const unindexed: ReadonlySet<string> = new Set([meshLabel, zoneLabel, originLabel, envLabel, displayNameLabel])

/** Names of resources by label and value. Immutable; `with` copies what it changes, once, however many changes there are. */
export class LabelIndex {
  static readonly empty: LabelIndex = new LabelIndex(new Map())
  readonly #names: ReadonlyMap<string, ReadonlySet<string>>

  private constructor(names: ReadonlyMap<string, ReadonlySet<string>>) {
    this.#names = names
  }

  with(changes: Iterable<Relabelled>): LabelIndex {
    const copied = new Map<string, Set<string>>()
    const writable = (key: string) => {
      let names = copied.get(key)
      if (!names) {
        names = new Set(this.#names.get(key))
        copied.set(key, names)
      }
      return names
    }
    for (const { name, before, after } of changes) {
      for (const [label, value] of indexable(before)) if (after?.[label] !== value) writable(keyOf(label, value)).delete(name)
      for (const [label, value] of indexable(after)) if (before?.[label] !== value) writable(keyOf(label, value)).add(name)
    }
    if (copied.size === 0) return this
    const next = new Map(this.#names)
    for (const [key, names] of copied) {
      if (names.size === 0) next.delete(key)
      else next.set(key, names)
    }
    return new LabelIndex(next)
  }

  /** Names that have one of these labels, and perhaps not the others; null = the index cannot narrow it down. */
  candidates(labels: Labels): ReadonlySet<string> | null {
    const [first] = indexable(labels)
    return first ? (this.#names.get(keyOf(...first)) ?? none) : null
  }

  has(label: string, value: string): boolean {
    return this.#names.has(keyOf(label, value))
  }
}

const none: ReadonlySet<string> = new Set()

function indexable(labels: Labels | undefined): [string, string][] {
  return Object.entries(labels ?? {}).filter(([label]) => !unindexed.has(label))
}

function keyOf(label: string, value: string): string {
  return `${label}=${value}`
}
