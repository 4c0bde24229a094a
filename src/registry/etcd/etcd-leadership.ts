import type { IRangeResponse, ITxnResponse } from 'etcd3'
import type { Revision } from '../../model/resource.ts'
import { Backoff } from '../../std/backoff.ts'
import { sleep, systemClock } from '../../std/clock.ts'
import type { Leadership, Term } from '../leadership.ts'
import type { EtcdClient } from './etcd-client.ts'
import type { EtcdKeys } from './etcd-keys.ts'
import { EtcdLease } from './etcd-lease.ts'

/**
 * One key for each role, made by whoever finds it absent and bound to a lease. The revision at which it was made is the fence: it is
 * compared in the transaction that writes, so that a leader that does not know yet that it has lost can do no harm. etcd's own locks
 * promise less than that: https://jepsen.io/analyses/etcd-3.4.3
 */
export class EtcdLeadership implements Leadership {
  readonly #client: EtcdClient
  readonly #keys: EtcdKeys
  readonly #ttlSeconds: number
  readonly #ended: AbortSignal

  constructor(client: EtcdClient, keys: EtcdKeys, ttlSeconds: number, ended: AbortSignal) {
    this.#client = client
    this.#keys = keys
    this.#ttlSeconds = ttlSeconds
    this.#ended = ended
  }

  async lead(role: string, signal: AbortSignal): Promise<Term> {
    const stop = AbortSignal.any([signal, this.#ended])
    const backoff = new Backoff({ baseMs: 50, maxMs: 1000 })
    for (;;) {
      stop.throwIfAborted()
      const term = await this.#campaign(role, stop).catch(() => undefined) // etcd does not answer: try on
      if (term) return term
      await sleep(systemClock, backoff.nextMs(), stop)
    }
  }

  async #campaign(role: string, stop: AbortSignal): Promise<Term | undefined> {
    const key = this.#keys.leader(role)
    await this.#gone(key, stop, waitingPollMs)
    stop.throwIfAborted()
    const lease = await EtcdLease.grant(this.#client, this.#ttlSeconds)
    try {
      const { value } = await this.#client.call<ITxnResponse>('KV', 'txn', {
        compare: [{ key, target: 'Create', result: 'Equal', create_revision: 0 }],
        success: [{ request_put: { key, value: Buffer.from(lease.id), lease: lease.id } }],
        failure: [{ request_range: { key } }],
      })
      const holder = value.responses[0]!.response_range?.kvs[0]
      // A try of this very call that went unanswered may have made it.
      const isOurs = value.succeeded || holder?.value.toString() === lease.id
      if (isOurs && !stop.aborted)
        return this.#term(role, key, Number(value.succeeded ? value.header.revision : holder!.create_revision), lease)
    } catch {}
    await lease.revoke()
    return undefined
  }

  #term(role: string, key: Buffer, revision: Revision, lease: EtcdLease): Term {
    // Somebody may have deleted the key, which no keep-alive of the lease would show.
    const over = new AbortController()
    void lease.ended.then(() => over.abort())
    void this.#gone(key, AbortSignal.any([over.signal, this.#ended]), holdingPollMs, revision).then(() => lease.revoke())
    return { fence: { role, term: revision }, ended: lease.ended, resign: () => lease.revoke() }
  }

  /** Resolves when the key is absent (or was not made at `term`), or the signal aborts. Asked and not watched, so that nothing rests on a
   *  stream being alive; an etcd that does not answer says nothing either way. */
  async #gone(key: Buffer, stop: AbortSignal, pollMs: number, term?: Revision): Promise<void> {
    while (!stop.aborted) {
      try {
        const { value } = await this.#client.call<IRangeResponse>('KV', 'range', { key })
        const holder = value.kvs[0]
        if (!holder || (term !== undefined && Number(holder.create_revision) !== term)) return
      } catch {}
      await sleep(systemClock, pollMs, stop)
    }
  }
}

/** How soon another notices that a term is over, ms. */
const waitingPollMs = 300
const holdingPollMs = 2000
