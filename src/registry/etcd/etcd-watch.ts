import type { IWatchResponse } from 'etcd3'
import type { Revision } from '../../model/resource.ts'
import { Backoff } from '../../std/backoff.ts'
import { sleep, systemClock } from '../../std/clock.ts'
import { CompactedError, type StoreChange } from '../store.ts'
import type { EtcdClient, WatchStream } from './etcd-client.ts'
import { readHead } from './etcd-head.ts'
import type { EtcdKeys } from './etcd-keys.ts'
import { etcdRevision, parseHeadText, parseRecordText, storeRevision } from './etcd-revision.ts'

export interface WatchedCommit {
  readonly revision: Revision
  readonly changes: readonly StoreChange[]
}

/**
 * Commits after a revision, whole and in order, over as many streams as it takes. A commit is whole when its head has come. What a stream
 * has delivered of an unfinished commit is thrown away with the stream.
 */
export class EtcdWatch {
  readonly #client: EtcdClient
  readonly #keys: EtcdKeys
  readonly #ended: AbortSignal
  #position: Revision
  #stream: WatchStream | undefined
  #isWaiting = true

  constructor(client: EtcdClient, keys: EtcdKeys, from: Revision, ended: AbortSignal) {
    this.#client = client
    this.#keys = keys
    this.#position = from
    this.#ended = ended
  }

  /** Its reader has taken everything that came. */
  get isWaiting(): boolean {
    return this.#isWaiting
  }

  get position(): Revision {
    return this.#position
  }

  /** Ends quietly when the signal aborts; throws CompactedError. */
  async *commits(): AsyncGenerator<WatchedCommit, void> {
    const backoff = new Backoff({ baseMs: 50, maxMs: 1000 })
    while (!this.#ended.aborted) {
      try {
        // An etcd that was put back from a copy is behind us; a watch on it would wait in silence until it has caught up.
        const head = await readHead(this.#client, this.#keys)
        if (this.#position > head.revision) throw new CompactedError(this.#position, head.revision)
        // When there is nothing new, nothing is asked of the time before: in a cluster with other tenants that may be compacted.
        for await (const commit of this.#readStream(this.#position === head.revision ? head.at : etcdRevision(this.#position))) {
          backoff.reset()
          yield commit
          if (this.#ended.aborted) return
        }
      } catch (error) {
        if (error instanceof CompactedError) throw error
        if (this.#ended.aborted) return
      }
      await sleep(systemClock, backoff.nextMs(), this.#ended)
    }
  }

  /** The member that it hangs on does not keep up: another may. */
  leaveMember(): void {
    this.#stream?.cancel()
  }

  /** @param from etcd's. */
  async *#readStream(from: number): AsyncGenerator<WatchedCommit, void> {
    const { stream, leave } = await this.#client.openWatch()
    stream.on('error', () => {}) // told by the iteration, or by nobody any more
    const stop = () => stream.cancel()
    this.#ended.addEventListener('abort', stop, { once: true })
    this.#stream = stream
    try {
      if (this.#ended.aborted) return
      // From that revision itself and not after it: a deletion at the very revision to which etcd was compacted may be missing from
      // its history, and this way a history that was compacted that far is refused as a whole.
      const start = Math.max(1, from)
      stream.write({ create_request: { ...this.#keys.range, start_revision: start, fragment: true, progress_notify: true } })
      let gathered: StoreChange[] = []
      for await (const response of stream as AsyncIterable<IWatchResponse>) {
        if (response.canceled) {
          const compactedTo = Number(response.compact_revision)
          if (compactedTo > 0) throw new CompactedError(this.#position, storeRevision(compactedTo))
          return
        }
        for (const event of response.events) {
          const transaction = Number(event.kv.mod_revision)
          const key = this.#keys.parseRecord(event.kv.key)
          if (key) {
            gathered.push(changeOf(key, event, transaction))
            continue
          }
          const changes = gathered
          gathered = []
          for (const commit of this.#commitsOf(transaction, changes, event.kv.value.toString())) {
            this.#position = commit.revision
            this.#isWaiting = false
            yield commit
            this.#isWaiting = true
          }
        }
      }
    } finally {
      this.#ended.removeEventListener('abort', stop)
      this.#stream = undefined
      stream.cancel()
      if (!this.#ended.aborted) leave()
    }
  }

  /** What is new of a transaction, from the changes before its head. Reading everything again is the answer to any doubt about the history. */
  #commitsOf(transaction: number, changes: readonly StoreChange[], headText: string): readonly WatchedCommit[] {
    const { events, lastPlace } = parseHeadText(headText)
    const last = storeRevision(transaction, lastPlace)
    if (last <= this.#position) return []
    const isWhole = changes.every(change => etcdRevision(revisionOf(change)) === transaction)
    if (!isWhole || (events !== undefined && events !== changes.length)) throw new CompactedError(this.#position, last)
    if (lastPlace === 0) return [{ revision: last, changes }]
    const commits = [...Map.groupBy(changes, revisionOf)].map(([revision, changes]) => ({ revision, changes }))
    return commits.filter(({ revision }) => revision > this.#position)
  }
}

function revisionOf(change: StoreChange): Revision {
  return change.kind === 'put' ? change.record.revision : change.revision
}

function changeOf(
  key: Extract<StoreChange, { kind: 'delete' }>['key'],
  { type, kv }: IWatchResponse['events'][number],
  transaction: number,
): StoreChange {
  if (type === 'Delete') return { kind: 'delete', key, revision: storeRevision(transaction) }
  const { value, place } = parseRecordText(kv.value.toString())
  return { kind: 'put', record: { key, value, revision: storeRevision(transaction, place) } }
}
