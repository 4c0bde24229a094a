import type { IRangeResponse, ITxnRequest } from 'etcd3'
import type { Revision } from '../../model/resource.ts'
import { Backoff } from '../../std/backoff.ts'
import { sleep, systemClock } from '../../std/clock.ts'
import type { Presence, PresenceListener } from '../presence.ts'
import type { EtcdClient } from './etcd-client.ts'
import type { EtcdKeys } from './etcd-keys.ts'
import { EtcdLease } from './etcd-lease.ts'

/**
 * Keys that hang on a lease, so that they go with their process; written again when the lease was lost. What others say is asked for and
 * not watched, so that nothing rests on a stream being alive; an etcd that does not answer says nothing either way.
 */
export class EtcdPresence implements Presence {
  readonly #client: EtcdClient
  readonly #keys: EtcdKeys
  readonly #process: string
  readonly #ttlSeconds: number
  readonly #said = new Map<string, string>()
  /** Names of which etcd does not have what is said. */
  readonly #unsent = new Set<string>()
  readonly #closing = new AbortController()
  readonly #running: Promise<unknown>
  #wake = Promise.withResolvers<void>()
  #lease: EtcdLease | undefined
  #listener: PresenceListener = () => {}
  /** Of all processes: name → value. */
  readonly #seen = new Map<string, string>()
  #seenUpTo: Revision = 0

  constructor(client: EtcdClient, keys: EtcdKeys, process: string, ttlSeconds: number, ended: AbortSignal) {
    this.#client = client
    this.#keys = keys
    this.#process = process
    this.#ttlSeconds = ttlSeconds
    const stop = AbortSignal.any([ended, this.#closing.signal])
    stop.addEventListener('abort', () => this.#wake.resolve(), { once: true })
    this.#running = Promise.all([this.#speak(stop), this.#ask(stop)])
  }

  say(name: string, value: string | undefined): void {
    if (this.#said.get(name) === value) return
    if (value === undefined) this.#said.delete(name)
    else this.#said.set(name, value)
    this.#unsent.add(name)
    this.#wake.resolve()
  }

  follow(listener: PresenceListener): void {
    this.#listener = listener
    for (const [id, value] of this.#seen) this.#tell(id, value)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
    await this.#lease?.revoke()
  }

  async #speak(stop: AbortSignal): Promise<void> {
    const backoff = new Backoff({ baseMs: 50, maxMs: 1000 })
    while (!stop.aborted) {
      if (this.#unsent.size === 0) {
        await this.#wake.promise
        this.#wake = Promise.withResolvers()
        continue
      }
      try {
        await this.#send()
        backoff.reset()
        await sleep(systemClock, sendDistanceMs, stop)
      } catch {
        await sleep(systemClock, backoff.nextMs(), stop)
      }
    }
  }

  async #send(): Promise<void> {
    const lease = await this.#currentLease()
    const names = [...this.#unsent].slice(0, namesPerSend)
    for (const name of names) this.#unsent.delete(name)
    const success: NonNullable<ITxnRequest['success']> = names.map(name => {
      const key = this.#keys.live(this.#process, name)
      const value = this.#said.get(name)
      return value === undefined ? { request_delete_range: { key } } : { request_put: { key, value: Buffer.from(value), lease: lease.id } }
    })
    try {
      await this.#client.call('KV', 'txn', { success } satisfies ITxnRequest)
    } catch (error) {
      for (const name of names) this.#unsent.add(name)
      if ((error as { isUnknownLease?: boolean }).isUnknownLease) lease.lose()
      throw error
    }
  }

  async #currentLease(): Promise<EtcdLease> {
    if (this.#lease && !this.#lease.hasEnded) return this.#lease
    const lease = await EtcdLease.grant(this.#client, this.#ttlSeconds)
    this.#lease = lease
    for (const name of this.#said.keys()) this.#unsent.add(name)
    void lease.ended.then(() => {
      if (this.#closing.signal.aborted) return
      for (const name of this.#said.keys()) this.#unsent.add(name)
      this.#wake.resolve()
    })
    return lease
  }

  async #ask(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      try {
        await this.#read()
      } catch {}
      await sleep(systemClock, askEveryMs, stop)
    }
  }

  /** Only what is new comes; how many there are in all says whether any has gone. */
  async #read(): Promise<void> {
    const range = this.#keys.lives
    const { value } = await this.#client.call<IRangeResponse>('KV', 'range', { ...range, min_mod_revision: this.#seenUpTo + 1 })
    for (const { key, value: said } of value.kvs) this.#note(this.#keys.parseLive(key), said.toString())
    this.#seenUpTo = Math.max(this.#seenUpTo, Number(value.header.revision))
    if (Number(value.count) === this.#seen.size) return
    const { value: all } = await this.#client.call<IRangeResponse>('KV', 'range', range)
    const present = new Map(all.kvs.map(({ key, value: said }) => [this.#keys.parseLive(key), said.toString()]))
    for (const [id, said] of present) this.#note(id, said)
    for (const id of [...this.#seen.keys()]) if (!present.has(id)) this.#note(id, undefined)
    this.#seenUpTo = Number(all.header.revision)
  }

  #note(id: string, value: string | undefined): void {
    if (this.#seen.get(id) === value) return
    if (value === undefined) this.#seen.delete(id)
    else this.#seen.set(id, value)
    this.#tell(id, value)
  }

  #tell(id: string, value: string | undefined): void {
    const slash = id.indexOf('/')
    const process = id.slice(0, slash)
    if (process !== this.#process && !this.#closing.signal.aborted) this.#listener(process, id.slice(slash + 1), value)
  }
}

const askEveryMs = 500
/** What is said within this time goes out together. */
const sendDistanceMs = 200
/** etcd takes 128 operations in a transaction. */
const namesPerSend = 100
