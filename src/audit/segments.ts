import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** One file of a log: lines in order, the first of which has the sequence that the file is named by. */
export interface Segment {
  readonly file: string
  readonly first: number
  readonly bytes: number
}

const NAME = /^audit-(\d{12})\.jsonl$/

export function segmentName(first: number): string {
  return `audit-${String(first).padStart(12, '0')}.jsonl`
}

/** The files of a log in order; none where there is no such directory. */
export async function listSegments(dir: string): Promise<Segment[]> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const segments = names.flatMap(name => {
    const first = NAME.exec(name)?.[1]
    return first === undefined ? [] : [{ file: join(dir, name), first: Number(first) }]
  })
  segments.sort((a, b) => a.first - b.first)
  return Promise.all(segments.map(async segment => ({ ...segment, bytes: (await stat(segment.file)).size })))
}

/** Whole lines, and what stands behind the last of them: the rest of an entry that was being written when the process or machine ended. */
export async function readLines(file: string): Promise<{ readonly lines: string[]; readonly torn: number; readonly whole: number }> {
  const bytes = await readFile(file)
  const whole = bytes.lastIndexOf(10) + 1
  const lines = bytes.toString('utf8', 0, whole).split('\n')
  lines.pop()
  return { lines, torn: bytes.length - whole, whole }
}
