import { join } from 'node:path'
import type { Clock } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import type { AuditLog } from './audit-log.ts'
import { FileAuditLog } from './file-audit-log.ts'
import { MemoryAuditLog } from './memory-audit-log.ts'

export interface AuditConfig {
  /** With `memory` the log, too, ends with the process. */
  readonly store: string
  /** The log's files are in `audit` below. */
  readonly data: string
  /** All files together, 10^6 bytes. */
  readonly auditKeepMb?: number
}

/** The log of a program, with its first entry: from when on which process wrote it. Closing it puts its end on record. */
export async function openAudit(
  { store, data, auditKeepMb }: AuditConfig,
  { clock, log, instance }: { readonly clock: Clock; readonly log: Log; readonly instance: string },
): Promise<AuditLog & AsyncDisposable> {
  const audit =
    store === 'memory'
      ? new MemoryAuditLog(clock)
      : await FileAuditLog.open(join(data, 'audit'), { clock, log, ...(auditKeepMb ? { keepBytes: auditKeepMb * 1_000_000 } : {}) })
  const tell = (verb: string) => audit.append({ who: null, remote: '', verb, area: 'audit', decision: 'allowed', detail: { instance } })
  await tell('start')
  return Object.assign(audit, {
    async [Symbol.asyncDispose]() {
      // A log that cannot be written must not keep the program from ending.
      await tell('stop').catch(error => log.error('the end is not on record', { error }))
      log.info('audit log ends here', { sequence: audit.head.sequence, hash: audit.head.hash })
      await audit.close()
    },
  })
}
