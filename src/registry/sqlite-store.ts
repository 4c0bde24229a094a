import { Worker } from 'node:worker_threads'
import type { Revision } from '../model/resource.ts'
import { ChangeHistory } from './change-history.ts'
import type { Fence, Term } from './leadership.ts'
import { LocalLeadership } from './local-leadership.ts'
import { alone, type Presence } from './presence.ts'
import type { CommitOutcome, StoredCommit } from './sqlite-file.ts'
import type { SqliteAnswer, SqliteRequest } from './sqlite-messages.ts'
import type { SqliteFileOptions } from './sqlite-open.ts'
import {
  CompactedError,
  RevisionConflictError,
  refuseDuplicateKeys,
  type Store,
  type StoreChange,
  StoreClosedError,
  StoreDamagedError,
  type StoredRecord,
  StoreFailedError,
  StoreFullError,
  type StoreOperation,
  type StoreSnapshot,
} from './store.ts'

interface PendingCommit {
  readonly operations: readonly StoreOperation[]
  readonly resolve: (revision: Revision) => void
  readonly reject: (error: Error) => void
}

type Loaded = Extract<SqliteAnswer, { kind: 'loaded' | 'changes' | 'compacted' }>

/** The embedded store: one SQLite file, written by a thread of its own (`sqlite-worker.ts`). One process at a time. */
export class SqliteStore implements Store {
  readonly failed: Promise<StoreFailedError>
  readonly #file: string
  readonly #worker: Worker
  /** In the order they were sent, which is the order they are answered. */
  readonly #commits: PendingCommit[] = []
  readonly #questions = new Map<number, PromiseWithResolvers<Loaded>>()
  /** The newest commits, so that readers that keep up never ask the thread. */
  readonly #history: ChangeHistory<StoredCommit>
  readonly #failed = Promise.withResolvers<StoreFailedError>()
  readonly #exited: Promise<void>
  readonly #leadership = new LocalLeadership()
  /** What has come so far of each snapshot that was asked for. */
  readonly #loads = new Map<number, StoredRecord[]>()
  #unsent: (readonly StoreOperation[])[] = []
  #lastQuestion = 0
  /** What was read when opening, until somebody takes it. */
  #opened: StoreSnapshot | undefined
  #failure: StoreFailedError | undefined
  #isClosed = false

  /** Verifies the whole file first. Throws StoreDamagedError, or StoreFailedError when the file cannot be opened. */
  static async open({
    changeLimit = 10_000,
    ...options
  }: Omit<SqliteFileOptions, 'changeLimit'> & { changeLimit?: number }): Promise<SqliteStore> {
    const workerData = { ...options, changeLimit } satisfies SqliteFileOptions
    // The thread makes much short-lived garbage; without a bound its young generation alone grows by 100 MB while a large store is read.
    const resourceLimits = { maxYoungGenerationSizeMb: 8 }
    const worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url), { workerData, execArgv: [], resourceLimits })
    const { promise, resolve, reject } = Promise.withResolvers<StoreSnapshot>()
    const records: StoredRecord[] = []
    worker.once('error', reject)
    worker.on('message', function open(answer: SqliteAnswer) {
      if (answer.kind === 'records') {
        for (const record of answer.records) records.push(record)
        return
      }
      worker.off('error', reject).off('message', open)
      if (answer.kind === 'opened') resolve({ revision: answer.revision, records })
      else if (answer.kind === 'damaged') reject(new StoreDamagedError(answer.code, answer.problem, answer.advice))
      else reject(new StoreFailedError(options.file, answer.kind === 'failed' ? answer.problem : `unexpected answer ${answer.kind}`))
    })
    return new SqliteStore(options.file, changeLimit, worker, await promise)
  }

  private constructor(file: string, changeLimit: number, worker: Worker, snapshot: StoreSnapshot) {
    this.#file = file
    this.#worker = worker
    this.#opened = snapshot
    this.#history = new ChangeHistory(snapshot.revision, Math.min(changeLimit, 1000))
    this.failed = this.#failed.promise
    this.#exited = new Promise(resolve => worker.once('exit', () => resolve()))
    worker.on('message', (answer: SqliteAnswer) => this.#take(answer))
    worker.on('error', error => this.#fail(error.message))
    this.#exited.then(() => {
      if (!this.#isClosed) this.#fail('its thread ended')
    })
  }

  async load(): Promise<StoreSnapshot> {
    const opened = this.#opened
    this.#opened = undefined
    if (opened?.revision === this.#history.latest) return opened
    const records: StoredRecord[] = []
    const answer = await this.#ask(id => {
      this.#loads.set(id, records)
      return { kind: 'load', id }
    })
    if (answer.kind !== 'loaded') throw new Error(`unexpected answer ${answer.kind}`)
    this.#loads.delete(answer.id)
    return { revision: answer.revision, records }
  }

  async commit(operations: readonly StoreOperation[], fence?: Fence): Promise<Revision> {
    this.#refuseWhenOver()
    refuseDuplicateKeys(operations.map(operation => operation.key))
    this.#leadership.check(fence)
    const { promise, resolve, reject } = Promise.withResolvers<Revision>()
    this.#commits.push({ operations, resolve, reject })
    // After all that this turn of the event loop brought, the requests of every connection that had one: waking the thread costs more
    // than most commits.
    if (this.#unsent.push(operations) === 1) setImmediate(() => this.#flush())
    return promise
  }

  async *watch(from: Revision, signal: AbortSignal): AsyncIterable<readonly StoreChange[]> {
    let position = from
    if (from > this.#history.latest) throw new CompactedError(from, this.#history.oldest)
    while (!signal.aborted && !this.#history.closed) {
      for (const commit of await this.#commitsAfter(position)) {
        yield commit.changes
        position = commit.revision
        if (signal.aborted || this.#history.closed) return
      }
      await this.#history.moved(position, signal)
    }
  }

  lead(role: string, signal: AbortSignal): Promise<Term> {
    return this.#leadership.lead(role, signal)
  }

  join(): Presence {
    return alone
  }

  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true
      this.#flush()
      this.#send({ kind: 'close' })
    }
    await this.#exited
    this.#history.close()
    for (const { reject } of this.#questions.values()) reject(new StoreClosedError(this.#file))
  }

  /** All commits of one turn of the event loop as one message. */
  #flush(): void {
    if (this.#unsent.length === 0) return
    this.#send({ kind: 'commit', commits: this.#unsent })
    this.#unsent = []
  }

  async #commitsAfter(position: Revision): Promise<readonly StoredCommit[]> {
    if (position >= this.#history.oldest) return this.#history.after(position)
    const answer = await this.#ask(id => ({ kind: 'changes', id, after: position }))
    if (answer.kind === 'compacted') throw new CompactedError(position, answer.oldest)
    if (answer.kind !== 'changes') throw new Error(`unexpected answer ${answer.kind}`)
    return answer.commits
  }

  #ask(question: (id: number) => SqliteRequest): Promise<Loaded> {
    this.#refuseWhenOver()
    this.#flush()
    const id = ++this.#lastQuestion
    const answered = Promise.withResolvers<Loaded>()
    this.#questions.set(id, answered)
    this.#send(question(id))
    return answered.promise
  }

  #take(answer: SqliteAnswer): void {
    switch (answer.kind) {
      case 'committed':
        for (const outcome of answer.outcomes) this.#settle(this.#commits.shift()!, outcome)
        return
      case 'full':
        for (const { reject } of this.#commits.splice(0, answer.count)) reject(new StoreFullError(this.#file))
        return
      case 'failed':
        this.#fail(answer.problem)
        return
      case 'records':
        for (const record of answer.records) this.#loads.get(answer.id)?.push(record)
        return
      case 'loaded':
      case 'changes':
      case 'compacted':
        this.#questions.get(answer.id)?.resolve(answer)
        this.#questions.delete(answer.id)
        return
      case 'opened':
      case 'damaged':
        throw new Error(`unexpected answer ${answer.kind}`)
      default:
        answer satisfies never
    }
  }

  #settle({ operations, resolve, reject }: PendingCommit, outcome: CommitOutcome): void {
    if (outcome.kind === 'conflict') {
      reject(new RevisionConflictError(outcome.key, outcome.expected, outcome.actual))
      return
    }
    const { revision, ignored } = outcome
    const applied = ignored.length === 0 ? operations : operations.filter((_, position) => !ignored.includes(position))
    const changes = applied.map(operation => changeOf(operation, revision))
    if (changes.length > 0) this.#history.append({ revision, changes })
    resolve(revision)
  }

  #fail(problem: string): void {
    if (this.#failure) return
    this.#failure = new StoreFailedError(this.#file, problem)
    for (const { reject } of this.#commits.splice(0)) reject(this.#failure)
    for (const { reject } of this.#questions.values()) reject(this.#failure)
    this.#questions.clear()
    this.#failed.resolve(this.#failure)
  }

  #refuseWhenOver(): void {
    if (this.#isClosed) throw new StoreClosedError(this.#file)
    if (this.#failure) throw this.#failure
  }

  #send(request: SqliteRequest): void {
    this.#worker.postMessage(request)
  }
}

function changeOf(operation: StoreOperation, revision: Revision): StoreChange {
  const { key } = operation
  return operation.kind === 'put' ? { kind: 'put', record: { key, value: operation.value, revision } } : { kind: 'delete', key, revision }
}
