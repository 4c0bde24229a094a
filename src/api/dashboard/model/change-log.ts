/** What can be listed, watched and asked for by revision. */
export const topics = ['summary', 'problems', 'zones', 'services', 'workloads', 'proxies', 'meshes', 'policies', 'events'] as const
export type Topic = (typeof topics)[number]

/** The row `id` of a topic is another now, or gone. */
export interface LogEntry {
  readonly topic: Topic
  /** '' for the summary; `*` = any row of this mesh may be another. */
  readonly id: string
  /** '' = of no mesh. */
  readonly mesh: string
}

/** Entries that are remembered. A reader that is further behind starts over from the lists. */
const remembered = 16_384

/**
 * Which rows changed, numbered without gaps: readers of any speed go on from the number that they saw last, and read the rows as they are
 * then. Numbers mean something within one process: tokens carry which.
 */
export class ChangeLog {
  readonly #epoch: string
  readonly #entries: (LogEntry | undefined)[] = []
  readonly #newest = new Map<Topic, number>()
  readonly #waiting = new Set<() => void>()
  #revision = 0
  #isRecording = false

  /** @param epoch of this process; no dot in it */
  constructor(epoch: string) {
    this.#epoch = epoch
  }

  get revision(): number {
    return this.#revision
  }

  /** The newest revision at which one of these topics changed. */
  revisionOf(...of: readonly Topic[]): number {
    return Math.max(0, ...of.map(topic => this.#newest.get(topic) ?? 0))
  }

  /** What clients see of a revision. */
  token(revision: number): string {
    return `${this.#epoch}.${revision}`
  }

  /** The revision of a token; undefined when it is another process's, or none. */
  read(token: string): number | undefined {
    const [epoch, revision = ''] = token.split('.')
    if (epoch !== this.#epoch || !/^\d{1,15}$/.test(revision)) return undefined
    return Number(revision) <= this.#revision ? Number(revision) : undefined
  }

  /** From now on: what is there before is nobody's news. */
  start(): void {
    this.#isRecording = true
  }

  record(topic: Topic, id: string, mesh: string): void {
    if (!this.#isRecording) return
    this.#revision++
    this.#entries[this.#revision % remembered] = { topic, id, mesh }
    this.#newest.set(topic, this.#revision)
    for (const wake of [...this.#waiting]) wake()
  }

  /** Every entry after a revision, the last one for each row; undefined when that is forgotten. */
  since(revision: number): readonly LogEntry[] | undefined {
    if (revision < this.#revision - remembered) return undefined
    const newest = new Map<string, LogEntry>()
    for (let at = revision + 1; at <= this.#revision; at++) {
      const entry = this.#entries[at % remembered]!
      newest.set(`${entry.topic} ${entry.id}`, entry)
    }
    return [...newest.values()]
  }

  /** Resolves when there is something after this revision, or the signal is aborted. */
  moved(revision: number, signal: AbortSignal): Promise<void> {
    if (this.#revision > revision || signal.aborted) return Promise.resolve()
    return new Promise(resolve => {
      const done = () => {
        this.#waiting.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#waiting.add(done)
      signal.addEventListener('abort', done, { once: true })
    })
  }
}
