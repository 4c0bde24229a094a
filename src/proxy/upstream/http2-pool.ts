import type { ChannelWaiter, HostPool } from './channel.ts'
import { Http2Connection, type Http2Keeper } from './http2-connection.ts'
import { maxAgeMs, type PoolContext } from './pool.ts'

/** HTTP/2 connections to one host: one, as long as it takes all requests. */
export class Http2Pool implements HostPool, Http2Keeper {
  readonly #context: PoolContext
  readonly #connections = new Set<Http2Connection>()
  readonly #waiting: ChannelWaiter[] = []
  #connecting = 0
  #isClosed = false
  readonly #maxAgeMs: number

  constructor(context: PoolContext) {
    this.#context = context
    this.#maxAgeMs = maxAgeMs(context.random)
  }

  acquire(waiter: ChannelWaiter, fresh: boolean): void {
    if (fresh) this.renew()
    const connection = this.#withRoom()
    if (connection !== null) {
      waiter.onChannel(connection.open())
      return
    }
    const { usage } = this.#context
    const mayConnect = this.#mayConnect()
    if (!mayConnect && usage.pending >= this.#context.limits().maxPending) {
      waiter.onNoChannel('overflow', null)
      return
    }
    this.#waiting.push(waiter)
    usage.pending++
    if (mayConnect && this.#connecting === 0) this.#connect()
  }

  cancel(waiter: ChannelWaiter): void {
    const index = this.#waiting.indexOf(waiter)
    if (index < 0) return
    this.#waiting.splice(index, 1)
    this.#context.usage.pending--
  }

  renew(): void {
    for (const connection of [...this.#connections]) connection.leave()
  }

  close(): void {
    this.#isClosed = true
    this.renew()
    for (let waiter = this.#next(); waiter !== undefined; waiter = this.#next()) waiter.onNoChannel('connect', null)
  }

  onReady(connection: Http2Connection): void {
    this.#connecting--
    if (connection.isLeaving || this.#isClosed) connection.leave()
    this.#serveWaiting()
    this.#rest(connection)
  }

  onFailed(connection: Http2Connection, error: Error | null): void {
    this.#connecting--
    this.#lost(connection)
    // As with HTTP/1.1: nobody waits for an attempt that will likely fail as this one did.
    if (this.#connections.size === 0) {
      for (const waiter of this.#waiting.splice(0)) {
        this.#context.usage.pending--
        waiter.onNoChannel('connect', error)
      }
    } else this.#next()?.onNoChannel('connect', error)
    this.#serveWaiting()
  }

  onRoom(connection: Http2Connection): void {
    this.#serveWaiting()
    this.#rest(connection)
  }

  onClosed(connection: Http2Connection): void {
    this.#lost(connection)
    this.#serveWaiting()
  }

  #rest(connection: Http2Connection): void {
    if (connection.active > 0 || connection.isLeaving) return
    this.#context.wheel.set(connection.idleAlarm, Math.min(this.#context.limits().idleTimeoutMs, this.#maxAgeMs))
  }

  /** The least busy of those that may serve. */
  #withRoom(): Http2Connection | null {
    let best: Http2Connection | null = null
    for (const connection of [...this.#connections]) {
      if (!connection.hasRoom) continue
      if (this.#isOutdated(connection)) connection.leave()
      else if (best === null || connection.active < best.active) best = connection
    }
    return best
  }

  #isOutdated(connection: Http2Connection): boolean {
    const { tls, now } = this.#context
    // Plain ones have nothing that ages.
    return connection.scheme === 'https' && (connection.generation !== tls.generation || now() - connection.bornMs >= this.#maxAgeMs)
  }

  /** One that serves out its streams does not stand in the way of its successor. */
  #mayConnect(): boolean {
    if (this.#isClosed) return false
    let serving = 0
    for (const connection of this.#connections) if (!connection.isLeaving) serving++
    return serving === 0 || this.#context.usage.connections < this.#context.limits().maxConnections
  }

  #serveWaiting(): void {
    while (this.#waiting.length > 0) {
      const connection = this.#withRoom()
      if (connection === null) break
      this.#next()!.onChannel(connection.open())
    }
    if (this.#waiting.length > 0 && this.#connecting === 0 && this.#mayConnect()) this.#connect()
  }

  #next(): ChannelWaiter | undefined {
    const waiter = this.#waiting.shift()
    if (waiter) this.#context.usage.pending--
    return waiter
  }

  #connect(): void {
    this.#connecting++
    this.#context.usage.connections++
    try {
      this.#connections.add(new Http2Connection(this.#context.target(), this.#context.limits().connectTimeoutMs, this.#context, this))
    } catch (error) {
      // Nothing to dial with, or an address that is none.
      this.#connecting--
      this.#context.usage.connections--
      this.#next()?.onNoChannel('connect', error as Error)
    }
  }

  #lost(connection: Http2Connection): void {
    if (this.#connections.delete(connection)) this.#context.usage.connections--
  }
}
