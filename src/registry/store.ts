import { formatKey, type ResourceKey, type Revision } from '../model/resource.ts'
import type { Fence, Leadership } from './leadership.ts'
import type { Presence } from './presence.ts'

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
  /** The caller's own array: whoever decodes a large store takes it apart, so that it is not in memory twice. */
  readonly records: StoredRecord[]
}

/**
 * Keeps records and numbers commits. Promises, held by `store.contract.ts` for every implementation:
 * - A commit is atomic: all of its operations apply, under one new revision, or none does.
 * - It resolves when it is durable: after a crash at any later moment it is there.
 * - A failed expectation rejects with RevisionConflictError and changes nothing.
 * - Revisions rise by at least one with every commit that changes something; deleting what is absent changes nothing, and a commit
 *   that changes nothing resolves with the revision that is.
 * - A commit names a key once (DuplicateKeyError).
 * - `watch(from)` yields every change after `from`, in order of revision, none twice, none left out, each array one whole commit; when
 *   `from` is older than what the store still remembers, or newer than what it has, it throws CompactedError, and the reader starts
 *   again from `load`. It ends quietly when `signal` aborts or the store is closed.
 * - A commit that carries a fence is refused with LeadershipLostError once that term of leadership is over.
 * - A full disk rejects commits with StoreFullError and takes them again when there is room; `load` and `watch` go on.
 * - A store elsewhere that does not answer rejects with StoreUnavailableError, which says whether the commit may have been applied all
 *   the same; it is never applied twice, and `watch` goes on, without a gap, when the store answers again.
 * - After an I/O error every commit rejects with StoreFailedError and `failed` resolves: what the disk holds is known only after it
 *   has been read again, so the program ends (exit code 74) and is started anew.
 */
export interface Store extends Leadership {
  load(): Promise<StoreSnapshot>
  commit(operations: readonly StoreOperation[], fence?: Fence): Promise<Revision>
  watch(from: Revision, signal: AbortSignal): AsyncIterable<readonly StoreChange[]>
  /** What this process says to the others on the store, and they to it, under a name that is new with every start. */
  join(process: string): Presence
  /** Commits already under way are finished first. Later ones reject with StoreClosedError. Idempotent. */
  close(): Promise<void>
  /** Resolves, once, when the store can no longer keep its promises. Never rejects; pending for ever in a sound store. */
  readonly failed: Promise<Error>
}

export class RevisionConflictError extends Error {
  override name = 'RevisionConflictError'
  readonly code = 'SKERRY_REVISION_CONFLICT'
  readonly key: ResourceKey
  readonly expected: Expectation
  readonly actual: Expectation
  constructor(key: ResourceKey, expected: Expectation, actual: Expectation) {
    const where = describeKey(key)
    super(
      expected === 'absent'
        ? `${where} exists already, at revision ${actual}`
        : `${where} is ${actual === 'absent' ? 'absent' : `at revision ${actual}`}, not at ${expected}: read it again and retry`,
    )
    this.key = key
    this.expected = expected
    this.actual = actual
  }
}

/** One commit changes one key twice: which of the two is meant is the writer's to say. */
export class DuplicateKeyError extends Error {
  override name = 'DuplicateKeyError'
  readonly code = 'SKERRY_DUPLICATE_KEY'
  readonly key: ResourceKey
  constructor(key: ResourceKey) {
    super(`${describeKey(key)} is named twice in one commit: leave one of the two, or commit one after the other`)
    this.key = key
  }
}

export class CompactedError extends Error {
  override name = 'CompactedError'
  readonly code = 'SKERRY_COMPACTED'
  /** The oldest revision from which changes are remembered. */
  readonly oldest: Revision
  constructor(from: Revision, oldest: Revision) {
    super(`changes after revision ${from} are not remembered (only those after ${oldest}): read everything again`)
    this.oldest = oldest
  }
}

export class StoreFullError extends Error {
  override name = 'StoreFullError'
  readonly code = 'SKERRY_STORE_FULL'
  constructor(where: string, options?: ErrorOptions) {
    super(`${where} has no room left: nothing was written. Free some space on its disk; writes succeed again at once`, options)
  }
}

export class StoreFailedError extends Error {
  override name = 'StoreFailedError'
  readonly code = 'SKERRY_STORE_FAILED'
  readonly problem: string
  constructor(where: string, problem: string, options?: ErrorOptions) {
    super(
      `${where} failed: ${problem}. Check its disk and permissions, then start again; whatever was acknowledged before is kept`,
      options,
    )
    this.problem = problem
  }
}

/** The store is elsewhere and does not answer, or has no leader at the moment. Reads go on from memory. */
export class StoreUnavailableError extends Error {
  override name = 'StoreUnavailableError'
  readonly code = 'SKERRY_STORE_UNAVAILABLE'
  /** A try went unanswered: the commit may be there, or may still come to be. */
  readonly mayHaveApplied: boolean
  constructor(where: string, problem: string, mayHaveApplied: boolean) {
    const outcome = mayHaveApplied
      ? 'The write may have been taken all the same: read before you repeat it'
      : 'Nothing was written: repeat it'
    super(`${where} does not answer: ${problem}. ${outcome}; see that most of its members run and can be reached`)
    this.mayHaveApplied = mayHaveApplied
  }
}

/** One commit is more than the store takes at once. It is refused whole, because half of it would not be a commit. */
export class CommitTooLargeError extends Error {
  override name = 'CommitTooLargeError'
  readonly code = 'SKERRY_COMMIT_TOO_LARGE'
  constructor(where: string, problem: string) {
    super(`${where} does not take so much in one commit (${problem}): write it in several parts, or raise the store's limit`)
  }
}

/** The commit belongs to a term of leadership that is over: another may lead by now. */
export class LeadershipLostError extends Error {
  override name = 'LeadershipLostError'
  readonly code = 'SKERRY_NOT_LEADER'
  readonly role: string
  constructor(role: string) {
    super(`this process no longer leads as ${role}: nothing was written; another one does this work now`)
    this.role = role
  }
}

export class StoreClosedError extends Error {
  override name = 'StoreClosedError'
  readonly code = 'SKERRY_STORE_CLOSED'
  constructor(where: string) {
    super(`${where} is closed: the program is stopping`)
  }
}

/** The store cannot be trusted or understood. Nothing is published from it; `advice` says what a person can do. */
export class StoreDamagedError extends Error {
  override name = 'StoreDamagedError'
  readonly code: 'SKERRY_STORE_DAMAGED' | 'SKERRY_STORE_VERSION' | 'SKERRY_STORE_LOCKED' | 'SKERRY_STORE_OWNER'
  readonly problem: string
  readonly advice: string
  constructor(code: StoreDamagedError['code'], problem: string, advice: string, options?: ErrorOptions) {
    super(`${problem}. ${advice}`, options)
    this.code = code
    this.problem = problem
    this.advice = advice
  }
}

/** `found` and `owner` as a marker names them: `global`, `zone aws-1`. */
export function ownerError(where: string, found: string, owner: string): StoreDamagedError {
  return new StoreDamagedError(
    'SKERRY_STORE_OWNER',
    `${where} is the store of ${found}, not of ${owner}`,
    `Give ${owner} a place of its own (--data DIR, or --etcd-prefix with etcd), or start ${found} here`,
  )
}

/** Throws when a commit names a key twice. */
export function refuseDuplicateKeys(keys: readonly ResourceKey[]): void {
  if (keys.length < 2) return
  const seen = new Set<string>()
  for (const key of keys) {
    const id = formatKey(key)
    if (seen.has(id)) throw new DuplicateKeyError(key)
    seen.add(id)
  }
}

function describeKey(key: ResourceKey): string {
  return `${key.kind} ${key.mesh ? `${key.mesh}/` : ''}${key.name}`
}
