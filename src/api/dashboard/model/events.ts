import type { Clock } from '../../../std/clock.ts'
import type { DashboardEvent } from '../schema/event.ts'
import type { ChangeLog } from './change-log.ts'
import { Table } from './table.ts'

/** Kept in memory, of this process; the oldest go first. */
const remembered = 2_000

export type NewEvent = Pick<DashboardEvent, 'type' | 'subject' | 'message' | 'link'> & Partial<Pick<DashboardEvent, 'by' | 'revision'>>

/** What happened, the newest first. Bounded, and gone with the process: the registry and the audit log are what lasts. */
export class Events {
  readonly table = new Table<DashboardEvent>({
    id: row => String(row.id),
    mesh: row => row.subject.mesh ?? '',
    text: row => `${row.subject.name} ${row.type} ${row.message} ${row.by ?? ''}`,
    filters: {
      type: row => row.type,
      kind: row => row.subject.kind,
      mesh: row => row.subject.mesh ?? '',
      zone: row => row.subject.zone ?? '',
      name: row => row.subject.name,
      kri: row => row.subject.kri ?? '',
      by: row => row.by ?? '',
    },
    sorts: { id: row => row.id, time: row => row.time, type: row => row.type, name: row => row.subject.name },
    order: '-id',
    isSmall: true,
  })
  readonly #clock: Pick<Clock, 'now'>
  readonly #log: ChangeLog
  #last = 0
  #isRecording = false

  constructor(clock: Pick<Clock, 'now'>, log: ChangeLog) {
    this.#clock = clock
    this.#log = log
  }

  /** From now on: what is there before did not happen now. */
  start(): void {
    this.#isRecording = true
  }

  /** @returns its id; 0 = not recorded */
  add({ by = null, revision = null, ...event }: NewEvent): number {
    if (!this.#isRecording) return 0
    const id = ++this.#last
    this.table.put({ id, time: new Date(this.#clock.now()).toISOString(), ...event, by, revision })
    this.table.delete(String(id - remembered))
    this.#log.record('events', String(id), event.subject.mesh ?? '')
    return id
  }

  /** Who did it is known a moment later than that it was done. */
  setAuthor(id: number, by: string): void {
    const event = this.table.get(String(id))
    if (event && this.table.put({ ...event, by })) this.#log.record('events', String(id), event.subject.mesh ?? '')
  }
}
