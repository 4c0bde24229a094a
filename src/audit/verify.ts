import { type AuditHead, checkLine } from './entry.ts'
import { listSegments, readLines } from './segments.ts'

export interface AuditBreak {
  readonly file: string
  /** From 1. */
  readonly line: number
  /** What the entry says that it is; null where it says nothing. */
  readonly sequence: number | null
  readonly reason: string
}

export interface AuditReport {
  readonly intact: boolean
  readonly entries: number
  /** Sequence of the oldest entry that is kept: those before were dropped to keep the log within its size. 0 = there are none. */
  readonly first: number
  readonly head: AuditHead
  /** The first of them, in order. */
  readonly breaks: readonly AuditBreak[]
}

/** More than anybody reads. */
const MOST_BREAKS = 100

/** Follows a chain line by line. */
export class ChainCheck {
  readonly breaks: AuditBreak[] = []
  entries = 0
  first = 0
  /** undefined until the first entry: what that follows on may be dropped. */
  head: AuditHead | undefined

  line(text: string, file: string, line: number): void {
    const checked = checkLine(text, this.head)
    this.entries++
    if (checked.kind === 'broken') this.broken({ file, line, sequence: checked.head?.sequence ?? null, reason: checked.reason })
    // Goes on from what the line says of itself, so that one change is one break.
    if (checked.head) this.head = checked.head
    if (this.first === 0) this.first = this.head?.sequence ?? 0
  }

  broken(found: AuditBreak): void {
    if (this.breaks.length < MOST_BREAKS) this.breaks.push(found)
  }

  report(): AuditReport {
    const { entries, first, breaks } = this
    return { intact: breaks.length === 0, entries, first, head: this.head ?? { sequence: 0, hash: '0'.repeat(64) }, breaks }
  }
}

/** Every entry of the log in a directory, whether or not a control plane runs on it. A torn last line is no break: it is being written.
 *  Stops where it is when `signal` aborts. */
export async function verifyDirectory(dir: string, signal?: AbortSignal): Promise<AuditReport> {
  const check = new ChainCheck()
  const segments = await listSegments(dir)
  for (const segment of segments) {
    if (signal?.aborted) break
    const { lines, torn } = await readLines(segment.file).catch((error: NodeJS.ErrnoException) => {
      // The oldest ones may be dropped meanwhile.
      if (error.code === 'ENOENT' && !check.head) return { lines: [], torn: 0 }
      throw error
    })
    if (check.head && segment.first !== check.head.sequence + 1) {
      const reason = `entry ${check.head.sequence} is followed by a file that begins with ${segment.first}`
      check.broken({ file: segment.file, line: 1, sequence: segment.first, reason })
    }
    for (const [i, line] of lines.entries()) check.line(line, segment.file, i + 1)
    if (torn > 0 && segment !== segments.at(-1)) {
      check.broken({ file: segment.file, line: lines.length + 1, sequence: null, reason: 'the file ends within an entry' })
    }
  }
  return check.report()
}

export function describeBreak({ file, line, sequence, reason }: AuditBreak): string {
  return `${file}:${line}${sequence === null ? '' : ` (entry ${sequence})`}: ${reason}`
}
