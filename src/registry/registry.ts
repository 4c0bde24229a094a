import type { Resource, ResourceDraft, ResourceKey, Revision } from '../model/resource.ts'
import { formatKey } from '../model/resource.ts'
import type { Clock } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import { type ChangeBatch, keyOfChange, mergeBatches, type ResourceChange } from './change-batch.ts'
import { ChangeHistory } from './change-history.ts'
import { KeyClaims } from './key-claims.ts'
import type { Fence } from './leadership.ts'
import { decodeRecord, encodeValue, hasSameContent } from './resource-codec.ts'
import { ResourceIndex } from './resource-index.ts'
import {
  CompactedError,
  type Expectation,
  refuseDuplicateKeys,
  type Store,
  type StoreChange,
  StoreClosedError,
  StoreDamagedError,
  type StoreOperation,
} from './store.ts'
import { StoreHealth, type StoreState } from './store-health.ts'

export type RegistryChange =
  | { readonly kind: 'put'; readonly draft: ResourceDraft; readonly expect?: Expectation }
  | { readonly kind: 'delete'; readonly key: ResourceKey; readonly expect?: Expectation }

/** Called synchronously, once for every commit that changed something, when the registry is exactly at `batch.revision`. */
export type ChangeListener = (batch: ChangeBatch) => void

interface RegistryOptions {
  readonly clock: Pick<Clock, 'now'>
  readonly log: Pick<Log, 'warn' | 'error'>
  /** Changes kept in memory for `watch`. A reader that is further behind is cut off. */
  readonly changeLimit?: number
}

interface WatchOptions {
  /** The revision the reader has seen last. */
  readonly from: Revision
  readonly signal: AbortSignal
  readonly filter?: (change: ResourceChange) => boolean
  /**
   * A bookmark, which is a batch without changes, after so many changes that the filter left out: it tells the reader how far it has
   * been brought, so that it can resume there. Far below the registry's `changeLimit` (10,000), or a reader of a quiet kind comes back to
   * a forgotten revision. Counted and not timed, because only commits make a revision forgotten. Without it there are no bookmarks.
   */
  readonly bookmarkEvery?: number
}

/**
 * Every resource, in memory and indexed, fed by what its store has made durable. It is the only way in: `commit` resolves when the
 * change is durable, applied here and told to every listener. All reads see one revision, the last applied.
 */
export class Registry {
  /** Resolves, once, when the registry can no longer follow its store: the program ends and is started anew. Never rejects. */
  readonly failed: Promise<Error>
  readonly #store: Store
  readonly #clock: Pick<Clock, 'now'>
  readonly #log: Pick<Log, 'warn' | 'error'>
  readonly #history: ChangeHistory<ChangeBatch>
  readonly #claims = new KeyClaims()
  readonly #listeners = new Set<ChangeListener>()
  readonly #awaited = new Map<Revision, PromiseWithResolvers<ChangeBatch>>()
  readonly #health = new StoreHealth()
  readonly #closing = new AbortController()
  readonly #following: Promise<void>
  #index = new ResourceIndex()
  #failure: Error | undefined
  #isClosed = false

  /** Reads everything; throws what the store throws when it cannot be trusted. The store stays its opener's to close. */
  static async open(store: Store, options: RegistryOptions): Promise<Registry> {
    const { revision, records } = await store.load()
    const index = new ResourceIndex()
    while (records.length > 0) for (const record of records.splice(0, 1000)) index.put(decodeRecord(record))
    return new Registry(store, options, revision, index)
  }

  private constructor(store: Store, { clock, log, changeLimit = 10_000 }: RegistryOptions, revision: Revision, index: ResourceIndex) {
    this.#store = store
    this.#clock = clock
    this.#log = log
    this.#history = new ChangeHistory(revision, changeLimit)
    this.#index = index
    const failed = Promise.withResolvers<Error>()
    this.failed = failed.promise
    this.#following = this.#follow().catch((error: Error) => {
      this.#failure = error
      for (const { reject } of this.#awaited.values()) reject(error)
      failed.resolve(error)
    })
    store.failed.then(failed.resolve)
    void failed.promise.then(error => this.#health.failed(error))
  }

  get revision(): Revision {
    return this.#history.latest
  }

  get<R extends Resource = Resource>(key: ResourceKey): R | undefined {
    return this.#index.get(key) as R | undefined
  }

  /** In order of mesh and name. Without a mesh those of all meshes. The array never changes. */
  list<R extends Resource = Resource>(kind: string, mesh?: string): readonly R[] {
    return this.#index.list(kind, mesh) as readonly R[]
  }

  /** Those of a mesh that carry this label with this value, in order of name. O(result) from the second time on. */
  byLabel<R extends Resource = Resource>(kind: string, mesh: string, label: string, value: string): readonly R[] {
    return this.#index.byLabel(kind, mesh, label, value) as readonly R[]
  }

  /** Everything, in order of kind, mesh and name. */
  all(): IterableIterator<Resource> {
    return this.#index.all()
  }

  /**
   * All of `changes` or none, under one revision. A put that is equal in labels, spec and status to what is there, and a delete of
   * what is not there, change nothing: when nothing is left, the revision stays. Commits may run at the same time; those that share
   * a key take effect in the order they were called. With a fence it is refused once that term of leadership is over. Throws
   * RevisionConflictError, DuplicateKeyError and what the store throws.
   * @returns the revision from which the change is visible, and what this commit changed.
   */
  async commit(changes: readonly RegistryChange[], fence?: Fence): Promise<ChangeBatch> {
    const keys = changes.map(change => (change.kind === 'put' ? change.draft : change.key))
    refuseDuplicateKeys(keys)
    const claim = this.#claims.claim(keys)
    try {
      if (claim.turn) await claim.turn
      this.#refuseWhenOver()
      const operations = this.#operationsFor(changes)
      if (operations.length === 0) return { revision: this.revision, changes: [] }
      const revision = await this.#commit(operations, fence)
      return onlyKeys(await this.#applied(revision), revision, keys)
    } finally {
      claim.release()
    }
  }

  /** Whether the store takes writes; `listener` is told of every change. @returns what ends it. */
  onStoreState(listener: (state: StoreState) => void): () => void {
    return this.#health.onChange(listener)
  }

  get storeState(): StoreState {
    return this.#health.state
  }

  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /**
   * Every change after `from`, each batch from the state the reader has to the newest there is: a slow reader gets fewer and larger
   * batches, with the newest state of each key. Throws CompactedError when `from` is forgotten or unknown: list everything, then
   * watch from the revision of that list. Ends when `signal` aborts or the registry is closed.
   */
  async *watch({ from, signal, filter, bookmarkEvery = Number.POSITIVE_INFINITY }: WatchOptions): AsyncGenerator<ChangeBatch, void> {
    let position = from
    let leftOut = 0
    while (!signal.aborted && !this.#history.closed) {
      const [first, ...rest] = this.#history.after(position)
      if (!first) {
        await this.#history.moved(position, signal)
        continue
      }
      const batch = mergeBatches([first, ...rest])
      position = batch.revision
      const changes = filter ? batch.changes.filter(filter) : batch.changes
      leftOut += batch.changes.length - changes.length
      if (changes.length === 0 && leftOut < bookmarkEvery) continue
      leftOut = 0
      yield { revision: batch.revision, changes }
    }
  }

  /** Waits for commits that are under way, then ends every watch. Later commits reject. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#claims.settled()
    this.#closing.abort()
    await this.#following
    this.#history.close()
    this.#listeners.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #commit(operations: readonly StoreOperation[], fence: Fence | undefined): Promise<Revision> {
    try {
      const revision = await this.#store.commit(operations, fence)
      this.#health.worked()
      return revision
    } catch (error) {
      this.#health.refused(error)
      throw error
    }
  }

  /** Decided on memory: the claim on these keys says that no other commit of this process is about to change them. Whether an
   *  expectation fails is the store's to say, because another process may have written to it. */
  #operationsFor(changes: readonly RegistryChange[]): StoreOperation[] {
    const now = new Date(this.#clock.now()).toISOString()
    return changes.flatMap((change): StoreOperation[] => {
      const { expect } = change
      if (change.kind === 'delete') {
        const { kind, mesh, name } = change.key
        const isMet = expect === undefined || expect === 'absent'
        return isMet && !this.#index.get(change.key) ? [] : [{ kind: 'delete', key: { kind, mesh, name }, expect }]
      }
      const { draft } = change
      const current = this.#index.get(draft)
      const isMet = expect === undefined || expect === current?.revision
      if (current && isMet && hasSameContent(draft, current)) return []
      const key = { kind: draft.kind, mesh: draft.mesh, name: draft.name }
      return [{ kind: 'put', key, value: encodeValue(draft, current?.creationTime ?? now, now), expect }]
    })
  }

  /** The batch with which `revision` came into force; waits for it. */
  #applied(revision: Revision): Promise<ChangeBatch> {
    if (this.#failure) return Promise.reject(this.#failure)
    if (revision <= this.#history.oldest) return Promise.resolve({ revision, changes: [] })
    if (revision <= this.revision) return Promise.resolve(this.#history.after(revision - 1)[0]!)
    let awaited = this.#awaited.get(revision)
    if (!awaited) {
      awaited = Promise.withResolvers()
      this.#awaited.set(revision, awaited)
    }
    return awaited.promise
  }

  async #follow(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      try {
        for await (const changes of this.#store.watch(this.revision, this.#closing.signal)) this.#apply(changes)
        if (!this.#closing.signal.aborted) throw new StoreClosedError('the store')
      } catch (error) {
        if (!(error instanceof CompactedError)) throw error
        this.#log.warn('registry fell behind its store and reads everything again', { revision: this.revision })
        await this.#reload()
      }
    }
  }

  /** Brings memory to what the store holds now, as one batch with the differences. */
  async #reload(): Promise<void> {
    const { revision, records } = await this.#store.load()
    if (revision < this.revision) {
      throw new StoreDamagedError(
        'SKERRY_STORE_DAMAGED',
        `the store went back from revision ${this.revision} to ${revision}: it was replaced or put back from a copy`,
        'Start this program again once the store is what it should be; until then nothing of it is published',
      )
    }
    const present = new Set(records.map(record => formatKey(record.key)))
    const deleted = [...this.#index.all()].filter(resource => !present.has(formatKey(resource)))
    const written = records.filter(record => this.#index.get(record.key)?.revision !== record.revision)
    const deletions = deleted.map(({ kind, mesh, name }): StoreChange => ({ kind: 'delete', key: { kind, mesh, name }, revision }))
    const changes = [...deletions, ...written.map((record): StoreChange => ({ kind: 'put', record }))]
    if (changes.length > 0 || revision > this.revision) this.#apply(changes, revision)
  }

  #apply(stored: readonly StoreChange[], revision = revisionOf(stored.at(-1)!)): void {
    const changes = stored.flatMap((change): ResourceChange[] => {
      if (change.kind === 'delete') {
        const previous = this.#index.delete(change.key)
        return previous ? [{ ...change, previous }] : []
      }
      const resource = decodeRecord(change.record)
      const previous = this.#index.put(resource)
      return [previous ? { kind: 'put', resource, previous } : { kind: 'put', resource }]
    })
    const batch = { revision, changes }
    this.#history.append(batch)
    if (changes.length > 0) this.#tellListeners(batch)
    this.#resolveAwaited(batch)
  }

  /** Hundreds may wait, nearly always for one revision each and in order: not all of them are looked at for each batch. */
  #resolveAwaited(batch: ChangeBatch): void {
    const exact = this.#awaited.get(batch.revision)
    exact?.resolve(batch)
    this.#awaited.delete(batch.revision)
    // A batch may stand for several.
    for (const [revision, { resolve }] of this.#awaited) {
      if (revision > batch.revision) {
        if (exact) return
        continue
      }
      this.#awaited.delete(revision)
      resolve(batch)
    }
  }

  #tellListeners(batch: ChangeBatch): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(batch)
      } catch (error) {
        this.#log.error('a listener of the registry failed', { revision: batch.revision, error })
      }
    }
  }

  #refuseWhenOver(): void {
    if (this.#isClosed) throw new StoreClosedError('the registry')
    if (this.#failure) throw this.#failure
  }
}

function revisionOf(change: StoreChange): Revision {
  return change.kind === 'put' ? change.record.revision : change.revision
}

/** A batch may hold more than one commit's changes, when the registry had to read everything again. */
function onlyKeys(batch: ChangeBatch, revision: Revision, keys: readonly ResourceKey[]): ChangeBatch {
  if (batch.revision === revision) return batch
  const ids = new Set(keys.map(formatKey))
  return { revision, changes: batch.changes.filter(change => ids.has(formatKey(keyOfChange(change)))) }
}
