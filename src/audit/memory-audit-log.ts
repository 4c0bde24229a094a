import type { Clock } from '../std/clock.ts'
import type { AuditLog } from './audit-log.ts'
import { type AuditDraft, type AuditHead, sealEntry, startOfChain } from './entry.ts'
import { type AuditPage, type AuditQuery, matchLine, sequenceOf } from './query.ts'
import { type AuditReport, ChainCheck } from './verify.ts'

/** Keeps the newest entries, and forgets them with the process. */
export class MemoryAuditLog implements AuditLog {
  readonly broken = undefined
  readonly #clock: Pick<Clock, 'now'>
  readonly #most: number
  readonly #lines: string[] = []
  #head: AuditHead = startOfChain

  constructor(clock: Pick<Clock, 'now'>, most = 10_000) {
    this.#clock = clock
    this.#most = most
  }

  get head(): AuditHead {
    return this.#head
  }

  async append(draft: AuditDraft): Promise<void> {
    const { line, head } = sealEntry(this.#head, new Date(this.#clock.now()).toISOString(), draft)
    this.#head = head
    this.#lines.push(line)
    // A quarter at a time: moving all of them for each would be dear.
    if (this.#lines.length > this.#most * 1.25) this.#lines.splice(0, this.#lines.length - this.#most)
  }

  async ready(): Promise<void> {}

  async query(query: AuditQuery): Promise<AuditPage> {
    const forward = query.from !== undefined
    const lines = forward ? this.#lines : this.#lines.toReversed()
    const items = []
    for (const line of lines) {
      const sequence = sequenceOf(line)
      if (forward ? sequence < query.from! : query.before !== undefined && sequence >= query.before) continue
      const entry = matchLine(line, query)
      if (!entry) continue
      if (items.length === query.limit) return { items, next: forward ? sequence : sequence + 1 }
      items.push(entry)
    }
    return { items, next: null }
  }

  async verify(): Promise<AuditReport> {
    const check = new ChainCheck()
    for (const [i, line] of this.#lines.entries()) check.line(line, 'memory', i + 1)
    return check.report()
  }

  async close(): Promise<void> {}
}
