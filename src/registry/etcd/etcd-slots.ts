import type { EtcdClient } from './etcd-client.ts'
import type { EtcdKeys } from './etcd-keys.ts'
import { EtcdLease } from './etcd-lease.ts'

/** A key that one transaction at a time compares and writes: of all tries of it at most one finds it as it was. */
export interface Slot {
  readonly key: Buffer
  readonly lease: string
  /** At which revision of etcd it was left; 0 when it has never been written. */
  etcdRevision: number
}

/** As many transactions are under way at a time. */
const limit = 512
/** Long, because a lost lease takes with it what tells whether a commit was applied; renewed every 20 minutes. */
const ttlSeconds = 3600

/** The slots of one open store. They hang on a lease, so a process that dies leaves none behind for long. */
export class CommitSlots {
  readonly #client: EtcdClient
  readonly #keys: EtcdKeys
  readonly #free: Slot[] = []
  readonly #waiting: ((slot: Slot) => void)[] = []
  #lease: Promise<EtcdLease> | undefined
  #used = 0
  #made = 0

  constructor(client: EtcdClient, keys: EtcdKeys) {
    this.#client = client
    this.#keys = keys
  }

  async take(): Promise<Slot> {
    const lease = await this.#currentLease()
    for (let slot = this.#free.pop(); slot; slot = this.#free.pop()) {
      if (slot.lease === lease.id) {
        this.#used++
        return slot
      }
    }
    if (this.#used >= limit) return new Promise(resolve => this.#waiting.push(resolve))
    this.#used++
    return this.#newSlot(lease)
  }

  /** For the next commit. */
  give(slot: Slot): void {
    const next = this.#waiting.shift()
    if (next) next(slot)
    else {
      this.#used--
      this.#free.push(slot)
    }
  }

  /** Not to be used again: a try of its commit may still be on its way. */
  async drop(): Promise<void> {
    const next = this.#waiting.shift()
    if (!next) {
      this.#used--
      return
    }
    try {
      next(this.#newSlot(await this.#currentLease()))
    } catch {
      next(this.#newSlot({ id: '0' })) // its commit will fail, and say why
    }
  }

  /** etcd no longer knows the lease of this slot: the next commits get slots on a new one. */
  async lose(slot: Slot): Promise<void> {
    const lease = await this.#lease?.catch(() => undefined)
    if (lease?.id === slot.lease) lease.lose()
  }

  async close(): Promise<void> {
    const lease = await this.#lease?.catch(() => undefined)
    await lease?.revoke()
  }

  #newSlot({ id }: Pick<EtcdLease, 'id'>): Slot {
    return { key: this.#keys.slot(id, this.#made++), lease: id, etcdRevision: 0 }
  }

  #currentLease(): Promise<EtcdLease> {
    if (this.#lease) return this.#lease
    const granted = EtcdLease.grant(this.#client, ttlSeconds)
    this.#lease = granted
    const forget = () => {
      if (this.#lease === granted) this.#lease = undefined
    }
    granted.then(lease => lease.ended.then(forget), forget)
    return granted
  }
}
