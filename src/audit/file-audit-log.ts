import { type FileHandle, mkdir, open, truncate, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import { AuditFailedError, type AuditLog } from './audit-log.ts'
import { type AuditDraft, type AuditEntry, type AuditHead, sealEntry, startOfChain } from './entry.ts'
import { type AuditPage, type AuditQuery, matchLine, sequenceOf } from './query.ts'
import { listSegments, readLines, type Segment, segmentName } from './segments.ts'
import { type AuditReport, ChainCheck, describeBreak, verifyDirectory } from './verify.ts'

export interface FileAuditLogOptions {
  readonly clock: Pick<Clock, 'now'>
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>
  /** A file that has grown beyond this is followed by another one. */
  readonly segmentBytes?: number
  /** The oldest files go when all together are larger. */
  readonly keepBytes?: number
}

interface Waiting {
  readonly line: string
  readonly head: AuditHead
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** Files that one query looks through before it answers with where to go on: other requests wait meanwhile. */
const SEGMENTS_A_QUERY = 8

/**
 * The log as files in a directory. What is appended while a write is under way is written, and made durable, with the next one. The line
 * that a crash has torn is cut off at the start: nobody was answered on it.
 */
export class FileAuditLog implements AuditLog {
  readonly #dir: string
  readonly #options: Required<FileAuditLogOptions>
  #segments: Segment[]
  #handle: FileHandle
  /** With everything that is waiting. */
  #head: AuditHead
  #durable: AuditHead
  #bytes: number
  #waiting: Waiting[] = []
  #flushing: Promise<void> | undefined
  #failure: AuditFailedError | undefined
  #broken: string | undefined
  #verifying: Promise<void> = Promise.resolve()
  readonly #closing = new AbortController()

  /** Looks at the newest file before it answers, at those before it meanwhile. A break is reported, put on record, and stays visible. */
  static async open(dir: string, options: FileAuditLogOptions): Promise<FileAuditLog> {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    const segments = await listSegments(dir)
    const { check, torn } = await checkEnd(segments)
    const head = check.head ?? { ...startOfChain, sequence: (segments.at(-1)?.first ?? 1) - 1 }
    if (segments.length === 0) segments.push({ file: join(dir, segmentName(1)), first: 1, bytes: 0 })
    const { file } = segments.at(-1)!
    const handle = await open(file, 'a', 0o600)
    const log = new FileAuditLog(dir, { segmentBytes: 4 << 20, keepBytes: 256 << 20, ...options }, segments, handle, head)
    await syncDirectory(dir)
    if (torn > 0) await log.#own('recover', { tornBytes: torn })
    for (const found of check.breaks.slice(0, 1)) await log.#onBreak(describeBreak(found))
    log.#verifying = log.#verifyOlder()
    return log
  }

  private constructor(dir: string, options: Required<FileAuditLogOptions>, segments: Segment[], handle: FileHandle, head: AuditHead) {
    this.#dir = dir
    this.#options = options
    this.#segments = segments
    this.#handle = handle
    this.#head = head
    this.#durable = head
    this.#bytes = segments.at(-1)?.bytes ?? 0
  }

  get head(): AuditHead {
    return this.#durable
  }

  get broken(): string | undefined {
    return this.#broken
  }

  append(draft: AuditDraft): Promise<void> {
    const { line, head } = sealEntry(this.#head, new Date(this.#options.clock.now()).toISOString(), draft)
    this.#head = head
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.push({ line, head, resolve, reject })
    this.#flushing ??= this.#flush()
    return promise
  }

  async ready(): Promise<void> {
    if (!this.#failure) return
    await this.#own('resume', { reason: this.#failure.message })
    this.#failure = undefined
  }

  async query(query: AuditQuery): Promise<AuditPage> {
    const { from, before = Number.POSITIVE_INFINITY } = query
    const forward = from !== undefined
    const ends = (segment: Segment) => (this.#segments[this.#segments.indexOf(segment) + 1]?.first ?? Number.POSITIVE_INFINITY) - 1
    const segments = forward
      ? this.#segments.filter(segment => ends(segment) >= from)
      : this.#segments.filter(({ first }) => first < before)
    if (!forward) segments.reverse()
    const items: AuditEntry[] = []
    for (const segment of segments.slice(0, SEGMENTS_A_QUERY)) {
      const lines = await linesOf(segment)
      for (const line of forward ? lines : lines.reverse()) {
        const sequence = sequenceOf(line)
        if (sequence > this.#durable.sequence || (forward ? sequence < from : sequence >= before)) continue
        const entry = matchLine(line, query)
        if (!entry) continue
        if (items.length === query.limit) return { items, next: forward ? sequence : sequence + 1 }
        items.push(entry)
      }
    }
    const rest = segments[SEGMENTS_A_QUERY]
    return { items, next: rest === undefined ? null : forward ? rest.first : ends(rest) + 1 }
  }

  verify(): Promise<AuditReport> {
    return verifyDirectory(this.#dir)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#verifying
    await this.#flushing
    await this.#handle.close()
  }

  async #flush(): Promise<void> {
    // What the same turn of the loop appends goes along: a store answers many writers at once.
    await new Promise(resolve => setImmediate(resolve))
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      try {
        await this.#write(batch)
      } catch (cause) {
        await this.#failed([...batch, ...this.#waiting], cause as Error)
      }
    }
    this.#flushing = undefined
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    if (this.#bytes >= this.#options.segmentBytes) await this.#rotate(batch[0]!.head.sequence)
    const bytes = Buffer.from(batch.map(({ line }) => `${line}\n`).join(''))
    await writeAll(this.#handle, bytes)
    await this.#handle.datasync()
    this.#bytes += bytes.length
    this.#segments[this.#segments.length - 1] = { ...this.#segments.at(-1)!, bytes: this.#bytes }
    this.#durable = batch.at(-1)!.head
    for (const { resolve } of batch) resolve()
  }

  /** Nothing of these counts: the next entry follows on the last that is durable. */
  async #failed(batch: readonly Waiting[], cause: Error): Promise<void> {
    this.#waiting = []
    this.#head = this.#durable
    this.#failure = new AuditFailedError(this.#dir, { cause })
    this.#options.log.error('audit log cannot be written', { dir: this.#dir, entries: batch.length, error: cause })
    const { file } = this.#segments.at(-1)!
    // Half a batch must not stand before what comes next. Where even this fails the next start cuts it off.
    await truncate(file, this.#bytes).catch(error => this.#options.log.error('audit log could not be cut back', { file, error }))
    for (const { reject } of batch) reject(this.#failure)
  }

  async #rotate(first: number): Promise<void> {
    const file = join(this.#dir, segmentName(first))
    const handle = await open(file, 'ax', 0o600)
    await syncDirectory(this.#dir)
    await this.#handle.close()
    this.#handle = handle
    this.#bytes = 0
    this.#segments = [...this.#segments, { file, first, bytes: 0 }]
    // For who keeps the log elsewhere, too: it proves that nothing before was changed.
    this.#options.log.info('audit log goes on in another file', { file, sequence: this.#durable.sequence, hash: this.#durable.hash })
    await this.#dropOldest()
  }

  async #dropOldest(): Promise<void> {
    let total = this.#segments.reduce((sum, { bytes }) => sum + bytes, 0)
    while (total > this.#options.keepBytes && this.#segments.length > 1) {
      const [oldest, next] = this.#segments
      await unlink(oldest!.file)
      this.#segments = this.#segments.slice(1)
      total -= oldest!.bytes
      void this.#own('drop', { first: oldest!.first, last: next!.first - 1 }).catch(() => {})
    }
  }

  async #verifyOlder(): Promise<void> {
    try {
      const { breaks } = await verifyDirectory(this.#dir, this.#closing.signal)
      const found = breaks.map(describeBreak)
      if (found[0] !== undefined && found[0] !== this.#broken) await this.#onBreak(found[0])
    } catch (error) {
      this.#options.log.error('audit log could not be verified', { dir: this.#dir, error })
    }
  }

  async #onBreak(reason: string): Promise<void> {
    this.#broken ??= reason
    this.#options.log.error('audit log is broken', {
      reason,
      fix: 'compare it with a copy: `skerry audit verify --dir DIR` lists what does not fit',
    })
    await this.#own('break', { reason })
  }

  /** An entry of the log about itself. */
  #own(verb: string, detail: Readonly<Record<string, unknown>>): Promise<void> {
    return this.append({ who: null, remote: '', verb, area: 'audit', decision: 'allowed', detail })
  }
}

/** Follows the chain through the newest file that has entries, and cuts off what stands behind its last whole line. */
async function checkEnd(segments: Segment[]): Promise<{ readonly check: ChainCheck; readonly torn: number }> {
  const check = new ChainCheck()
  let torn = 0
  for (let i = segments.length - 1; i >= 0 && !check.head; i--) {
    const segment = segments[i]!
    const read = await readLines(segment.file)
    for (const [at, line] of read.lines.entries()) check.line(line, segment.file, at + 1)
    if (read.torn === 0) continue
    torn += read.torn
    await truncate(segment.file, read.whole)
    segments[i] = { ...segment, bytes: read.whole }
  }
  return { check, torn }
}

async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  for (let written = 0; written < bytes.length; ) written += (await handle.write(bytes, written)).bytesWritten
}

/** Dropped while it was asked for: then it is not there any more. */
async function linesOf({ file }: Segment): Promise<string[]> {
  try {
    return (await readLines(file)).lines
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

async function syncDirectory(dir: string): Promise<void> {
  await using handle = await open(dir, 'r')
  await handle.sync()
}
