import { formatKey, type Resource, type Revision } from '../model/resource.ts'
import { type ChangeBatch, keyOfChange, mergeBatches, type ResourceChange } from '../registry/change-batch.ts'
import { ChangeHistory } from '../registry/change-history.ts'
import type { Registry } from '../registry/registry.ts'

/** What a reader follows: some of the resources of one kind. */
export interface Interest {
  readonly kind: string
  /** '' for kinds of global scope; absent = of every mesh. */
  readonly mesh?: string
  /** Only the one of this name; needs `mesh`. */
  readonly name?: string
  /** Only those that carry this label with this value. */
  readonly label?: readonly [label: string, value: string]
  /** Whatever else they must be; pure. */
  readonly matches?: (resource: Resource) => boolean
}

/**
 * The registry's changes for many readers, each of which follows a few resources: readers are found by what they follow, so a change
 * costs those that it concerns and nobody else.
 */
export class ChangeFeed {
  readonly #registry: Registry
  readonly #history: ChangeHistory<ChangeBatch>
  readonly #readers = new Map<string, KindReaders>()
  /** `KIND` and `KIND/MESH` → the last revision that changed any of them, since this feed began. */
  readonly #lastChanges = new Map<string, Revision>()
  readonly #began: Revision
  readonly #unsubscribe: () => void

  /** @param remembered Changes kept for readers that come back. */
  constructor(registry: Registry, remembered: number) {
    this.#registry = registry
    this.#began = registry.revision
    this.#history = new ChangeHistory(registry.revision, remembered)
    this.#unsubscribe = registry.onChange(batch => this.#take(batch))
  }

  close(): void {
    this.#unsubscribe()
    this.#readers.clear()
  }

  get revision(): Revision {
    return this.#registry.revision
  }

  /** Calls `onChange` – synchronously, once for each commit that concerns one of these, with the revision before it – until the returned
   *  function is called. */
  follow(interests: readonly Interest[], onChange: Wake): () => void {
    for (const interest of interests) {
      let readers = this.#readers.get(interest.kind)
      if (!readers) {
        readers = new KindReaders()
        this.#readers.set(interest.kind, readers)
      }
      readers.add(interest, onChange)
    }
    return () => {
      for (const interest of interests) {
        const readers = this.#readers.get(interest.kind)
        readers?.delete(interest, onChange)
        if (readers?.isEmpty) this.#readers.delete(interest.kind)
      }
    }
  }

  /** Has any of these changed after `revision`? Also true where that cannot be said: changes since then are forgotten, or it has not been yet. */
  hasChanged(interest: Interest, revision: Revision): boolean {
    if (revision > this.revision) return true
    const { kind, mesh } = interest
    if ((this.#lastChanges.get(mesh === undefined ? kind : `${kind}/${mesh}`) ?? this.#began) <= revision) return false
    if (revision < this.#history.oldest) return true
    return this.#history.after(revision).some(({ changes }) => changes.some(change => concerns(interest, change)))
  }

  /** What changed after `revision` and concerns one of `interests`, as one batch; undefined when nothing did. Throws CompactedError. */
  since(revision: Revision, interests: readonly Interest[]): ChangeBatch | undefined {
    const byKind = Map.groupBy(interests, ({ kind }) => kind)
    const isWanted = (change: ResourceChange) => byKind.get(keyOfChange(change).kind)?.some(interest => concerns(interest, change)) ?? false
    const [first, ...rest] = this.#history.after(revision).flatMap(batch => {
      const changes = batch.changes.filter(isWanted)
      return changes.length > 0 ? [{ revision: batch.revision, changes }] : []
    })
    return first && { ...mergeBatches([first, ...rest]), revision: this.revision }
  }

  #take(batch: ChangeBatch): void {
    const before = this.#history.latest
    this.#history.append(batch)
    const woken = new Set<Wake>()
    for (const change of batch.changes) {
      const { kind, mesh } = change.kind === 'put' ? change.resource : change.key
      this.#lastChanges.set(kind, batch.revision)
      this.#lastChanges.set(`${kind}/${mesh}`, batch.revision)
      this.#readers.get(kind)?.collect(change, woken)
    }
    for (const wake of woken) wake(before)
  }
}

/** Is it a change to something that `interest` covers, or covered before? */
export function concerns(interest: Interest, change: ResourceChange): boolean {
  return (
    (change.kind === 'put' && covers(interest, change.resource)) || (change.previous !== undefined && covers(interest, change.previous))
  )
}

/** Is the resource one of those that `interest` means? */
export function covers({ kind, mesh, name, label, matches }: Interest, resource: Resource): boolean {
  return (
    resource.kind === kind &&
    (mesh === undefined || resource.mesh === mesh) &&
    (name === undefined || resource.name === name) &&
    (label === undefined || resource.labels[label[0]] === label[1]) &&
    (matches === undefined || matches(resource))
  )
}

type Wake = (before: Revision) => void
/** Who follows what is under a key, with all that he follows there. */
type Readers = Map<string, Map<Interest, Wake>>

/** Readers of one kind: by name, by label and value, or of all of a mesh (or, under `*`, of every mesh). */
class KindReaders {
  readonly #items: Readers = new Map()
  readonly #lists: Readers = new Map()
  readonly #labels = new Map<string, Readers>()

  get isEmpty(): boolean {
    return this.#items.size === 0 && this.#lists.size === 0 && this.#labels.size === 0
  }

  add(interest: Interest, wake: Wake): void {
    const [readers, key] = this.#placeOf(interest)
    const here = readers.get(key)
    if (here) here.set(interest, wake)
    else readers.set(key, new Map([[interest, wake]]))
  }

  delete(interest: Interest, wake: Wake): void {
    const [readers, key] = this.#placeOf(interest)
    const here = readers.get(key)
    if (here?.get(interest) === wake) here.delete(interest)
    if (here?.size === 0) readers.delete(key)
    if (interest.label && readers.size === 0) this.#labels.delete(interest.label[0])
  }

  collect(change: ResourceChange, woken: Set<Wake>): void {
    const { mesh, name } = change.kind === 'put' ? change.resource : change.key
    const take = (here: ReadonlyMap<Interest, Wake> | undefined) => {
      if (here) for (const [interest, wake] of here) if (!woken.has(wake) && concerns(interest, change)) woken.add(wake)
    }
    if (this.#items.size > 0) take(this.#items.get(`${mesh}/${name}`))
    if (this.#lists.size > 0) {
      take(this.#lists.get(mesh))
      take(this.#lists.get('*'))
    }
    for (const [label, readers] of this.#labels) {
      const now = change.kind === 'put' ? change.resource.labels[label] : undefined
      const before = change.previous?.labels[label]
      for (const value of now === before ? [now] : [now, before]) {
        if (value === undefined) continue
        take(readers.get(`${mesh}/${value}`))
        take(readers.get(`*/${value}`))
      }
    }
  }

  #placeOf({ mesh = '*', name, label }: Interest): [readers: Readers, key: string] {
    if (name !== undefined) return [this.#items, `${mesh}/${name}`]
    if (!label) return [this.#lists, mesh]
    let readers = this.#labels.get(label[0])
    if (!readers) {
      readers = new Map()
      this.#labels.set(label[0], readers)
    }
    return [readers, `${mesh}/${label[1]}`]
  }
}

/** One line that is the same for interests in the same resources, `matches` aside. */
export function formatInterest({ kind, mesh = '*', name = '', label }: Interest): string {
  return `${formatKey({ kind, mesh, name })} ${label?.join('=') ?? ''}`
}
