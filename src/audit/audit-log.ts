import type { AuditDraft, AuditHead } from './entry.ts'
import type { AuditPage, AuditQuery } from './query.ts'
import type { AuditReport } from './verify.ts'

/** An append-only log whose every entry holds the hash of the one before: what is changed, taken out or put in between shows. */
export interface AuditLog {
  /** Resolves when the entry is durable. Entries that come together become durable together. Rejects with AuditFailedError. */
  append(draft: AuditDraft): Promise<void>
  /**
   * Resolves when entries can be taken. After one could not be written it tries again, and puts on record that some are missing: their
   * requests were answered with an error. Rejects with AuditFailedError.
   */
  ready(): Promise<void>
  /** Of the last entry that is durable. */
  readonly head: AuditHead
  /** What was found wrong with the log since the start; undefined = nothing so far. */
  readonly broken: string | undefined
  query(query: AuditQuery): Promise<AuditPage>
  /** Looks at every entry there is. */
  verify(): Promise<AuditReport>
  close(): Promise<void>
}

export class AuditFailedError extends Error {
  override name = 'AuditFailedError'
  readonly code = 'SKERRY_AUDIT_FAILED'
  constructor(where: string, options: ErrorOptions) {
    super(
      `the audit log in ${where} cannot be written (${(options.cause as Error).message}), and nothing is done that is not on record: free some space on its disk, or mend its permissions`,
      options,
    )
  }
}
