import type { Clock } from '../../../std/clock.ts'
import type { Subject } from '../schema/common.ts'
import type { Problem } from '../schema/problem.ts'
import type { ChangeLog } from './change-log.ts'
import { Due } from './due.ts'
import { type ProblemCode, problemCodes, rankOf } from './problem-codes.ts'
import { isVisible, Table, type Visibility } from './table.ts'

/** What is wrong with something now, and when – if nothing changes – to look again. Times are Unix ms. */
export interface Diagnosis {
  readonly problems: readonly Problem[]
  readonly nextAt: number | null
}

export const well: Diagnosis = Object.freeze({ problems: [], nextAt: null })

export interface Finding {
  readonly code: ProblemCode
  /** Unix ms. */
  readonly since: number
  readonly cause: string
  readonly fix: string
  readonly subject: Subject
  readonly link: string
  /** Tells problems of one code and subject apart. */
  readonly part?: string
}

export function problem({ code, since, cause, fix, subject, link, part }: Finding): Problem {
  const of = [subject.kind, subject.mesh ?? '', subject.zone ?? '', subject.name, ...(part ? [part] : [])].join('/')
  return { id: `${code}:${of}`, code, severity: problemCodes[code], since: new Date(since).toISOString(), cause, fix, subject, link }
}

interface Tally {
  critical: number
  warning: number
  info: number
  codes: Map<string, number>
}

/** Every problem that there is now: owners say what is wrong with them, each time all of it. */
export class Problems {
  readonly table = new Table<Problem>({
    id: row => row.id,
    mesh: row => row.subject.mesh ?? '',
    text: row => `${row.subject.name} ${row.code} ${row.cause}`,
    filters: {
      severity: row => row.severity,
      code: row => row.code,
      mesh: row => row.subject.mesh ?? '',
      zone: row => row.subject.zone ?? '',
      kind: row => row.subject.kind,
      kri: row => row.subject.kri ?? '',
      name: row => row.subject.name,
    },
    sorts: {
      severity: row => rankOf(row.code),
      since: row => row.since,
      code: row => row.code,
      name: row => row.subject.name,
    },
    order: 'severity,since',
  })
  readonly #log: ChangeLog
  readonly #due: Due
  readonly #byOwner = new Map<string, readonly string[]>()
  readonly #tallies = new Map<string, Tally>()
  /** A problem of this zone came or went. */
  onZone: (zone: string) => void = () => {}

  /** @param onDue the owner has to be diagnosed again, because of the time */
  constructor(clock: Clock, log: ChangeLog, onDue: (owner: string) => void) {
    this.#log = log
    this.#due = new Due(clock, onDue)
  }

  close(): void {
    this.#due.close()
  }

  set(owner: string, { problems, nextAt }: Diagnosis): void {
    this.#due.set(owner, nextAt)
    const before = this.#byOwner.get(owner) ?? []
    if (before.length === 0 && problems.length === 0) return
    const ids = problems.map(({ id }) => id)
    for (const id of before) if (!ids.includes(id)) this.#remove(id)
    for (const row of problems) this.#put(row)
    if (ids.length > 0) this.#byOwner.set(owner, ids)
    else this.#byOwner.delete(owner)
  }

  /** How many of those that may be seen. */
  counts(visible: Visibility | undefined): { total: number; critical: number; warning: number; info: number } {
    const sum = { total: 0, critical: 0, warning: 0, info: 0 }
    for (const { critical, warning, info } of this.#visible(visible)) {
      sum.critical += critical
      sum.warning += warning
      sum.info += info
    }
    sum.total = sum.critical + sum.warning + sum.info
    return sum
  }

  countOf(code: ProblemCode, visible: Visibility | undefined): number {
    let sum = 0
    for (const { codes } of this.#visible(visible)) sum += codes.get(code) ?? 0
    return sum
  }

  *#visible(visible: Visibility | undefined): Iterable<Tally> {
    for (const [mesh, tally] of this.#tallies) if (isVisible(mesh, visible)) yield tally
  }

  #put(row: Problem): void {
    const isNew = this.table.get(row.id) === undefined
    if (!this.table.put(row)) return
    if (isNew) this.#count(row, 1)
    this.#tell(row)
  }

  #remove(id: string): void {
    const row = this.table.delete(id)
    if (!row) return
    this.#count(row, -1)
    this.#tell(row)
  }

  #tell({ id, subject }: Problem): void {
    this.#log.record('problems', id, subject.mesh ?? '')
    this.#log.record('summary', '', '')
    if (subject.zone) this.onZone(subject.zone)
  }

  #count({ subject, severity, code }: Problem, by: number): void {
    const mesh = subject.mesh ?? ''
    const tally = this.#tallies.get(mesh) ?? { critical: 0, warning: 0, info: 0, codes: new Map() }
    tally[severity] += by
    tally.codes.set(code, (tally.codes.get(code) ?? 0) + by)
    if (tally.critical + tally.warning + tally.info === 0) this.#tallies.delete(mesh)
    else this.#tallies.set(mesh, tally)
  }
}
