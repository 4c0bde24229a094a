import type { HeldItem } from './guard/guard.ts'

/**
 * - Connecting: not listed yet. Synced: its last listing was complete. Stale: it was not.
 * - Failing: it could not be listed. What was found stays.
 * - Held: removals wait, or the scope itself is not believed, or is no longer named.
 * - Suspended: its platform, or the source, has it out of service.
 */
export type ScopeState = 'Connecting' | 'Synced' | 'Stale' | 'Failing' | 'Held' | 'Suspended'

export interface ScopeStatus {
  readonly scope: string
  readonly state: ScopeState
  /** Why it is in a state other than Synced, for people; ''. */
  readonly reason: string
  readonly identity: string | undefined
  /** Unix ms; null: never. */
  readonly lastCompleteAtMs: number | null
  readonly lastError: { readonly what: string; readonly message: string; readonly atMs: number } | null
  /** Of the last listing. */
  readonly pages: number
  /** Calls that the last listing took of budgets. */
  readonly calls: number
  readonly tookMs: number
  readonly workloads: number
  /** Ports of workloads. */
  readonly endpoints: number
  readonly leftOut: number
  /** Removals that wait; times in Unix ms. */
  readonly held: readonly HeldItem[]
  /** Changes are told as they happen, beside the listings. */
  readonly follows: boolean
}
