import type { Random } from '../../std/random.ts'
import type { DialTarget } from '../transport/dial.ts'
import type { ChannelWaiter, HostPool } from './channel.ts'
import { type ConnectionContext, type ConnectionKeeper, UpstreamConnection } from './connection.ts'

/** Limits that all hosts of a cluster share, and what they count. */
export interface PoolLimits {
  readonly maxConnections: number
  readonly maxPending: number
  readonly connectTimeoutMs: number
  readonly idleTimeoutMs: number
}
export interface PoolUsage {
  connections: number
  pending: number
}

export interface PoolContext extends ConnectionContext {
  readonly random: Random
  readonly usage: PoolUsage
  limits(): PoolLimits
  target(): DialTarget
}

/**
 * Connections are renewed after about this long: behind a zone's gateway a connection is tied to one instance for its life, and
 * instances that appear later would never get traffic. A certificate is outlived by no more than this either.
 */
const MAX_AGE_MS = 30_000

/** … not of all pools at a time. */
export const maxAgeMs = (random: Random): number => MAX_AGE_MS * (0.8 + 0.4 * random.next())

/**
 * Handshakes to one host at a time. A pool that is empty when a hundred requests come would else begin a hundred of them, each a
 * millisecond of both sides' CPU, and finish none in time; a connection that is there serves the next waiter a moment later.
 */
const MAX_HANDSHAKES = 4
/** Connecting in the clear costs little. */
const MAX_CONNECTING = 64

/** Keep-alive connections to one host, the most recently used first, and the requests that wait for one. */
export class Pool implements ConnectionKeeper, HostPool {
  readonly #context: PoolContext
  readonly #idle: UpstreamConnection[] = []
  readonly #waiting: ChannelWaiter[] = []
  #connecting = 0
  #open = 0
  #isClosed = false
  /** Grows when connections made before must not serve again. */
  #epoch = 0
  readonly #epochs = new WeakMap<UpstreamConnection, number>()
  readonly #maxAgeMs: number

  constructor(context: PoolContext) {
    this.#context = context
    this.#maxAgeMs = maxAgeMs(context.random)
  }

  acquire(waiter: ChannelWaiter, fresh: boolean): void {
    if (!fresh) {
      for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
        this.#context.wheel.clear(connection.idleAlarm)
        if (this.#mayServe(connection)) {
          waiter.onChannel(connection)
          return
        }
        connection.close()
      }
    }
    const { limits, usage } = { limits: this.#context.limits(), usage: this.#context.usage }
    const mayConnect = this.#open === 0 || usage.connections < limits.maxConnections
    if (!mayConnect && usage.pending >= limits.maxPending) {
      waiter.onNoChannel('overflow', null)
      return
    }
    this.#waiting.push(waiter)
    usage.pending++
    if (mayConnect && this.#connecting < this.#maxConnecting()) this.#connect()
  }

  cancel(waiter: ChannelWaiter): void {
    const index = this.#waiting.indexOf(waiter)
    if (index < 0) return
    this.#waiting.splice(index, 1)
    this.#context.usage.pending--
  }

  renew(): void {
    this.#epoch++
    for (const connection of this.#idle.splice(0)) connection.close()
  }

  close(): void {
    this.#isClosed = true
    this.renew()
    for (const waiter of this.#waiting.splice(0)) this.#fail(waiter, null)
  }

  onReady(connection: UpstreamConnection): void {
    this.#connecting--
    this.#place(connection)
  }

  onFailed(_connection: UpstreamConnection, error: Error | null): void {
    this.#connecting--
    this.#lost()
    const waiter = this.#next()
    waiter?.onNoChannel('connect', error)
    // With no connection left that works, nobody waits for an attempt that will likely fail as this one did: they go elsewhere.
    if (this.#open === this.#connecting) for (const other of this.#waiting.splice(0)) this.#fail(other, error)
    this.#serveWaiting()
  }

  onFree(connection: UpstreamConnection): void {
    this.#place(connection)
  }

  onClosed(connection: UpstreamConnection): void {
    this.#lost()
    const index = this.#idle.indexOf(connection)
    if (index >= 0) this.#idle.splice(index, 1)
    this.#serveWaiting()
  }

  /** A connection that nobody uses goes to who waits longest, else to rest. */
  #place(connection: UpstreamConnection): void {
    if (!this.#mayServe(connection)) {
      connection.close()
      return
    }
    const waiter = this.#next()
    if (waiter) {
      waiter.onChannel(connection)
      return
    }
    this.#idle.push(connection)
    const idleMs = Math.min(this.#context.limits().idleTimeoutMs, connection.idleLimitMs, this.#maxAgeMs)
    this.#context.wheel.set(connection.idleAlarm, idleMs)
  }

  #mayServe(connection: UpstreamConnection): boolean {
    return (
      !connection.isSpent &&
      !this.#isClosed &&
      !connection.wire.gone &&
      this.#epochs.get(connection) === this.#epoch &&
      // Plain ones have nothing that ages; the application's own limit is in `idleLimitMs`.
      (!connection.wire.encrypted ||
        (connection.generation === this.#context.tls.generation && this.#context.now() - connection.bornMs < this.#maxAgeMs))
    )
  }

  #fail(waiter: ChannelWaiter, error: Error | null): void {
    this.#context.usage.pending--
    waiter.onNoChannel('connect', error)
  }

  #maxConnecting(): number {
    return this.#context.target().tls ? MAX_HANDSHAKES : MAX_CONNECTING
  }

  #next(): ChannelWaiter | undefined {
    const waiter = this.#waiting.shift()
    if (waiter) this.#context.usage.pending--
    return waiter
  }

  #serveWaiting(): void {
    const { maxConnections } = this.#context.limits()
    const maxConnecting = this.#waiting.length > 0 ? this.#maxConnecting() : 0
    while (
      !this.#isClosed &&
      this.#connecting < maxConnecting &&
      this.#waiting.length > this.#connecting &&
      (this.#open === 0 || this.#context.usage.connections < maxConnections)
    )
      this.#connect()
  }

  #connect(): void {
    this.#connecting++
    this.#open++
    this.#context.usage.connections++
    try {
      const connection = new UpstreamConnection(this.#context.target(), this.#context.limits().connectTimeoutMs, this.#context, this)
      this.#epochs.set(connection, this.#epoch)
    } catch (error) {
      // Nothing to dial with, or an address that is none.
      this.#connecting--
      this.#lost()
      const waiter = this.#next()
      waiter?.onNoChannel('connect', error as Error)
    }
  }

  #lost(): void {
    this.#open--
    this.#context.usage.connections--
  }
}
