import type { ITxnResponse } from 'etcd3'
import type { Revision } from '../model/resource.ts'
import { systemClock, type Timer } from '../std/clock.ts'
import { EtcdClient } from './etcd/etcd-client.ts'
import { EtcdCompaction } from './etcd/etcd-compaction.ts'
import { CommitGroups } from './etcd/etcd-groups.ts'
import { readHead, readSnapshot } from './etcd/etcd-head.ts'
import { EtcdKeys } from './etcd/etcd-keys.ts'
import { EtcdLeadership } from './etcd/etcd-leadership.ts'
import type { EtcdOptions } from './etcd/etcd-options.ts'
import { EtcdPresence } from './etcd/etcd-presence.ts'
import { etcdRevision } from './etcd/etcd-revision.ts'
import { CommitSlots } from './etcd/etcd-slots.ts'
import { EtcdWatch } from './etcd/etcd-watch.ts'
import type { Fence, Term } from './leadership.ts'
import type { Presence } from './presence.ts'
import {
  ownerError,
  refuseDuplicateKeys,
  type Store,
  type StoreChange,
  StoreClosedError,
  StoreDamagedError,
  type StoreOperation,
  type StoreSnapshot,
} from './store.ts'
import { StoreMarker } from './store-marker.ts'

/**
 * Records in an etcd cluster, for control planes that are several or move about. Revisions are made of etcd's. Any number of processes may have
 * the same store open; each sees what the others commit.
 */
export class EtcdStore implements Store {
  /** etcd's members watch over their own disks; a member that fails is left for another. */
  readonly failed = new Promise<Error>(() => {})
  readonly #client: EtcdClient
  readonly #keys: EtcdKeys
  readonly #slots: CommitSlots
  readonly #groups: CommitGroups
  readonly #leadership: EtcdLeadership
  readonly #termSeconds: number
  readonly #compaction: EtcdCompaction | undefined
  readonly #watches = new Set<EtcdWatch>()
  readonly #underWay = new Set<Promise<unknown>>()
  readonly #closing = new AbortController()
  readonly #marker: StoreMarker | undefined
  #acknowledged: Revision = 0
  #lagCheck: Timer | undefined
  #closed: Promise<void> | undefined

  /** Resolves when the cluster has answered. Throws StoreUnavailableError, EtcdOptionsError, or EtcdCallError when it lets nobody in. */
  static async open(options: EtcdOptions): Promise<EtcdStore> {
    const client = new EtcdClient(options)
    const keys = new EtcdKeys(options.prefix)
    try {
      const { revision } = await readHead(client, keys)
      refuseOlder(options, `${client.name} under ${keys.prefix}`, revision)
      if (options.owner !== undefined) await claimOwnership(client, keys, options.owner)
      const marker = options.markerFor === undefined ? undefined : StoreMarker.open(options.markerFor, revision, options.owner)
      return new EtcdStore(client, keys, options, marker)
    } catch (error) {
      client.close()
      throw error
    }
  }

  private constructor(
    client: EtcdClient,
    keys: EtcdKeys,
    { changeLimit = 10_000, termSeconds = 10 }: EtcdOptions,
    marker: StoreMarker | undefined,
  ) {
    this.#marker = marker
    this.#client = client
    this.#keys = keys
    this.#slots = new CommitSlots(client, keys)
    this.#groups = new CommitGroups({ client, keys, slots: this.#slots })
    this.#termSeconds = termSeconds
    this.#leadership = new EtcdLeadership(client, keys, termSeconds, this.#closing.signal)
    if (changeLimit !== false) this.#compaction = new EtcdCompaction(client, changeLimit)
  }

  async load(): Promise<StoreSnapshot> {
    this.#refuseWhenClosed()
    return await readSnapshot(this.#client, this.#keys)
  }

  async commit(operations: readonly StoreOperation[], fence?: Fence): Promise<Revision> {
    this.#refuseWhenClosed()
    refuseDuplicateKeys(operations.map(operation => operation.key))
    const committing =
      operations.length === 0 ? readHead(this.#client, this.#keys).then(head => head.revision) : this.#groups.commit(operations, fence)
    this.#underWay.add(committing)
    try {
      const revision = await committing
      this.#noteAcknowledged(revision)
      this.#compaction?.count(operations.length, etcdRevision(revision))
      this.#expectInWatches(revision)
      return revision
    } finally {
      this.#underWay.delete(committing)
    }
  }

  async *watch(from: Revision, signal: AbortSignal): AsyncIterable<readonly StoreChange[]> {
    const watch = new EtcdWatch(this.#client, this.#keys, from, AbortSignal.any([signal, this.#closing.signal]))
    this.#watches.add(watch)
    try {
      for await (const { changes } of watch.commits()) yield changes
    } finally {
      this.#watches.delete(watch)
    }
  }

  async lead(role: string, signal: AbortSignal): Promise<Term> {
    this.#refuseWhenClosed()
    return await this.#leadership.lead(role, signal)
  }

  join(process: string): Presence {
    this.#refuseWhenClosed()
    return new EtcdPresence(this.#client, this.#keys, process, this.#termSeconds, this.#closing.signal)
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#closing.abort(new StoreClosedError(this.#client.name))
    this.#lagCheck?.cancel()
    await Promise.allSettled(this.#underWay)
    await this.#slots.close()
    await this.#compaction?.settled()
    this.#client.close()
    this.#marker?.close()
  }

  #noteAcknowledged(revision: Revision): void {
    if (revision <= this.#acknowledged) return
    this.#acknowledged = revision
    try {
      this.#marker?.note(revision)
    } catch {
      // The commit is durable. A marker that lags only notices a little less.
    }
  }

  /** What is acknowledged must come in the watches soon. When it does not, the member they hang on is paused or cut off, and only
   *  etcd's own keep-alive would notice, after 13 s. */
  #expectInWatches(revision: Revision): void {
    const isBehind = () => [...this.#watches].some(watch => watch.position < revision)
    if (this.#lagCheck || this.#closing.signal.aborted || !isBehind()) return
    this.#lagCheck = systemClock.setTimeout(() => {
      this.#lagCheck = undefined
      for (const watch of this.#watches) if (watch.position < revision && watch.isWaiting) watch.leaveMember()
    }, lagMs)
  }

  #refuseWhenClosed(): void {
    if (this.#closing.signal.aborted) throw new StoreClosedError(this.#client.name)
  }
}

/** An etcd that was emptied, or put back from an old copy, is a smaller registry: nothing of it is published. */
function refuseOlder({ markerFor, acceptOlder }: EtcdOptions, where: string, revision: Revision): void {
  const acknowledged = (markerFor === undefined ? undefined : StoreMarker.read(markerFor))?.revision ?? 0
  if (acceptOlder || acknowledged <= revision) return
  throw new StoreDamagedError(
    'SKERRY_STORE_DAMAGED',
    `${where} ends at revision ${revision}, but revision ${acknowledged} was acknowledged`,
    'See that the endpoints and the prefix are right, or restore a newer snapshot of etcd; to go on with what is there on purpose, start once with --store-begin-anew',
  )
}

/** The first who comes says whose store it is; who is somebody else is refused. */
async function claimOwnership(client: EtcdClient, keys: EtcdKeys, owner: string): Promise<void> {
  const { value } = await client.call<ITxnResponse>('KV', 'txn', {
    compare: [{ key: keys.owner, target: 'Create', result: 'Equal', create_revision: 0 }],
    success: [{ request_put: { key: keys.owner, value: Buffer.from(owner) } }],
    failure: [{ request_range: { key: keys.owner } }],
  })
  const found = value.succeeded ? owner : value.responses[0]!.response_range.kvs[0]?.value.toString()
  if (found !== undefined && found !== owner) throw ownerError(`${client.name} under ${keys.prefix}`, found, owner)
}

const lagMs = 1000
