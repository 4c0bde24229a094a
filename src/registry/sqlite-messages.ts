import type { Revision } from '../model/resource.ts'
import type { CommitOutcome, StoredCommit } from './sqlite-file.ts'
import type { StoreDamagedError, StoredRecord, StoreOperation } from './store.ts'

/** From the store to its thread. Answers to commits come in the order of the commits. */
export type SqliteRequest =
  | { readonly kind: 'commit'; readonly commits: readonly (readonly StoreOperation[])[] }
  | { readonly kind: 'load'; readonly id: number }
  | { readonly kind: 'changes'; readonly id: number; readonly after: Revision }
  | { readonly kind: 'close' }

export type SqliteAnswer =
  /** Some of the records that `opened` (id 0) or `loaded` will complete; to be believed only then. */
  | { readonly kind: 'records'; readonly id: number; readonly records: readonly StoredRecord[] }
  | { readonly kind: 'opened'; readonly revision: Revision }
  | { readonly kind: 'damaged'; readonly code: StoreDamagedError['code']; readonly problem: string; readonly advice: string }
  | { readonly kind: 'committed'; readonly outcomes: readonly CommitOutcome[] }
  /** The next `count` commits were rejected: nothing of them is written. */
  | { readonly kind: 'full'; readonly count: number }
  /** The thread takes no more commits. */
  | { readonly kind: 'failed'; readonly problem: string }
  | { readonly kind: 'loaded'; readonly id: number; readonly revision: Revision }
  | { readonly kind: 'changes'; readonly id: number; readonly commits: readonly StoredCommit[] }
  | { readonly kind: 'compacted'; readonly id: number; readonly oldest: Revision }
