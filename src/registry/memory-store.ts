import { formatKey, type Revision } from '../model/resource.ts'
import { ChangeHistory } from './change-history.ts'
import type { Fence, Term } from './leadership.ts'
import { LocalLeadership } from './local-leadership.ts'
import { alone, type Presence } from './presence.ts'
import {
  RevisionConflictError,
  refuseDuplicateKeys,
  type Store,
  type StoreChange,
  StoreClosedError,
  type StoredRecord,
  type StoreOperation,
  type StoreSnapshot,
} from './store.ts'

interface StoredCommit {
  readonly revision: Revision
  readonly changes: readonly StoreChange[]
}

/** What a MemoryStore writes to. Keep it to open another store on the same records, as a restarted program would. */
export interface MemoryDisk {
  readonly records: Map<string, StoredRecord>
  readonly history: ChangeHistory<StoredCommit>
}

/** @param changeLimit Changes remembered for `watch`. */
export function memoryDisk(changeLimit = 10_000): MemoryDisk {
  return { records: new Map(), history: new ChangeHistory(0, changeLimit) }
}

/** Keeps records for as long as the process lives: for tests, simulations and `--store memory`. */
export class MemoryStore implements Store {
  readonly failed = new Promise<Error>(() => {})
  readonly #disk: MemoryDisk
  readonly #leadership = new LocalLeadership()
  readonly #closing = new AbortController()

  constructor(disk = memoryDisk()) {
    this.#disk = disk
  }

  async load(): Promise<StoreSnapshot> {
    return { revision: this.#disk.history.latest, records: [...this.#disk.records.values()] }
  }

  async commit(operations: readonly StoreOperation[], fence?: Fence): Promise<Revision> {
    if (this.#closing.signal.aborted) throw new StoreClosedError('the memory store')
    refuseDuplicateKeys(operations.map(operation => operation.key))
    this.#leadership.check(fence)
    for (const { key, expect } of operations) {
      const actual = this.#disk.records.get(formatKey(key))?.revision ?? 'absent'
      if (expect !== undefined && expect !== actual) throw new RevisionConflictError(key, expect, actual)
    }

    const { history } = this.#disk
    const revision = history.latest + 1
    const changes = operations.flatMap(operation => this.#apply(operation, revision))
    if (changes.length === 0) return history.latest
    history.append({ revision, changes })
    return revision
  }

  async *watch(from: Revision, signal: AbortSignal): AsyncIterable<readonly StoreChange[]> {
    const { history } = this.#disk
    const ended = AbortSignal.any([signal, this.#closing.signal])
    let position = from
    while (!ended.aborted) {
      for (const commit of history.after(position)) {
        yield commit.changes
        position = commit.revision
        if (ended.aborted) return
      }
      await history.moved(position, ended)
    }
  }

  lead(role: string, signal: AbortSignal): Promise<Term> {
    return this.#leadership.lead(role, signal)
  }

  join(): Presence {
    return alone
  }

  async close(): Promise<void> {
    this.#closing.abort()
  }

  #apply(operation: StoreOperation, revision: Revision): StoreChange[] {
    const id = formatKey(operation.key)
    if (operation.kind === 'delete') return this.#disk.records.delete(id) ? [{ kind: 'delete', key: operation.key, revision }] : []
    const record = { key: operation.key, value: operation.value, revision }
    this.#disk.records.set(id, record)
    return [{ kind: 'put', record }]
  }
}
