import type { ResourceKey, Revision } from '../model/resource.ts'

/** A record as a store keeps it. `value` is the JSON text of everything but key and revisions; a store never looks inside. */
export interface StoredRecord {
  readonly key: ResourceKey
  readonly value: string
  /** Revision of the commit that wrote this value. */
  readonly revision: Revision
}

export type StoreOperation =
  | { readonly kind: 'put'; readonly key: ResourceKey; readonly value: string; readonly expect?: Expectation }
  | { readonly kind: 'delete'; readonly key: ResourceKey; readonly expect?: Expectation }

/** Compare-and-set: the record must be absent, or be at exactly this revision. Without it the operation always applies. */
export type Expectation = 'absent' | Revision

export type StoreChange =
  | { readonly kind: 'put'; readonly record: StoredRecord }
  | { readonly kind: 'delete'; readonly key: ResourceKey; readonly revision: Revision }

export interface StoreSnapshot {
  readonly revision: Revision
  readonly records: readonly StoredRecord[]
}

/**
 * Keeps records and numbers commits. Promises, held by `store.contract.ts` for every implementation:
 * - A commit is atomic: all of its operations apply, under one new revision, or none does.
 * - It resolves when it is durable: after a crash at any later moment it is there.
 * - A failed expectation rejects with RevisionConflictError and changes nothing.
 * - Revisions rise by at least one with every commit that changes something; deleting what is absent changes nothing.
 * - `watch(from)` yields every change after `from`, in order of revision, none twice, none left out; when `from` is older than what
 *   the store still remembers it throws CompactedError, and the reader starts again from `load`.
 */
export interface Store {
  load(): Promise<StoreSnapshot>
  commit(operations: readonly StoreOperation[]): Promise<Revision>
  watch(from: Revision, signal: AbortSignal): AsyncIterable<readonly StoreChange[]>
  close(): Promise<void>
}

export class RevisionConflictError extends Error {
  override name = 'RevisionConflictError'
  readonly code = 'SKERRY_REVISION_CONFLICT'
  readonly key: ResourceKey
  readonly expected: Expectation
  constructor(key: ResourceKey, expected: Expectation, actual: Expectation) {
    const where = `${key.kind} ${key.mesh ? `${key.mesh}/` : ''}${key.name}`
    super(
      expected === 'absent'
        ? `${where} exists already, at revision ${actual}`
        : `${where} is ${actual === 'absent' ? 'absent' : `at revision ${actual}`}, not at ${expected}: read it again and retry`,
    )
    this.key = key
    this.expected = expected
  }
}

export class CompactedError extends Error {
  override name = 'CompactedError'
  readonly code = 'SKERRY_COMPACTED'
  constructor(from: Revision, oldest: Revision) {
    super(`changes after revision ${from} are no longer remembered (oldest: ${oldest}): read everything again`)
  }
}

/** The store cannot be trusted or understood. Nothing is published from it; `advice` says what a person can do. */
export class StoreDamagedError extends Error {
  override name = 'StoreDamagedError'
  readonly code: 'SKERRY_STORE_DAMAGED' | 'SKERRY_STORE_VERSION' | 'SKERRY_STORE_LOCKED'
  readonly advice: string
  constructor(code: StoreDamagedError['code'], message: string, advice: string, options?: ErrorOptions) {
    super(`${message}. ${advice}`, options)
    this.code = code
    this.advice = advice
  }
}
