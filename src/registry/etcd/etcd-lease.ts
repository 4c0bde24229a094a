import { sleep, systemClock } from '../../std/clock.ts'
import type { EtcdClient } from './etcd-client.ts'

/** A lease that is kept alive until it is revoked or lost. What hangs on it in etcd goes with it. */
export class EtcdLease {
  readonly id: string
  /** Resolves, once, when the lease is gone or may be: its time has run out without an answer, by our own clock. Never rejects. */
  readonly ended: Promise<void>
  readonly #client: EtcdClient
  readonly #ttlMs: number
  readonly #stop = new AbortController()
  readonly #end: () => void
  /** Sent before this moment, so the lease holds at least until a time to live after it. */
  #renewedAt: number

  static async grant(client: EtcdClient, ttlSeconds: number): Promise<EtcdLease> {
    const sentAt = systemClock.monotonic()
    const { value } = await client.call<{ ID: string; TTL: string }>('Lease', 'leaseGrant', { TTL: ttlSeconds, ID: 0 })
    return new EtcdLease(client, value.ID, Number(value.TTL) * 1000, sentAt)
  }

  private constructor(client: EtcdClient, id: string, ttlMs: number, renewedAt: number) {
    this.#client = client
    this.id = id
    this.#ttlMs = ttlMs
    this.#renewedAt = renewedAt
    const { promise, resolve } = Promise.withResolvers<void>()
    this.ended = promise
    this.#end = resolve
    void this.#keep()
  }

  get hasEnded(): boolean {
    return this.#stop.signal.aborted
  }

  /** What hangs on it is gone when it resolves, or, when etcd does not answer, after its time to live. Idempotent. */
  async revoke(): Promise<void> {
    if (this.hasEnded) return
    this.#finish()
    await this.#client.call('Lease', 'leaseRevoke', { ID: this.id }).catch(() => {})
  }

  /** As if its time had run out: for whoever learns from elsewhere that it has. */
  lose(): void {
    this.#finish()
  }

  async #keep(): Promise<void> {
    const { signal } = this.#stop
    for (let waitMs = this.#ttlMs / 3; ; ) {
      await sleep(systemClock, waitMs, signal)
      if (signal.aborted) return
      const sentAt = systemClock.monotonic()
      const leftMs = this.#renewedAt + this.#ttlMs - sentAt
      if (leftMs <= 0 || this.#client.isClosed) return this.#finish()
      try {
        const ttl = await this.#client.keepAlive(this.id, Math.min(1000, leftMs))
        if (ttl <= 0) return this.#finish()
        this.#renewedAt = sentAt
        waitMs = this.#ttlMs / 3
      } catch {
        waitMs = Math.min(200, this.#ttlMs / 10) // the next member is asked
      }
    }
  }

  #finish(): void {
    this.#stop.abort()
    this.#end()
  }
}
