import { type ClientHttp2Session, type ClientSessionOptions, connect } from 'node:http2'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type DialTarget, openSocket } from '../transport/dial.ts'
import { Alarm } from '../transport/wheel.ts'
import type { Channel } from './channel.ts'
import type { ConnectionContext } from './connection.ts'
import { type StreamKeeper, UpstreamStream } from './http2-stream.ts'

/** Until the peer has said how many it takes. */
const FIRST_STREAMS = 100
/** However many it takes. */
const MAX_STREAMS = 1000

/** Of one stream, then of all streams: what a peer may send before we have taken some of it. */
const STREAM_WINDOW = 256 * 1024
const CONNECTION_WINDOW = 4 * 1024 * 1024

const options: ClientSessionOptions = {
  settings: { enablePush: false, initialWindowSize: STREAM_WINDOW, maxHeaderListSize: 32 * 1024 },
  maxSessionMemory: 64,
  maxHeaderListPairs: 128,
  maxReservedRemoteStreams: 0,
  // A field that came twice goes on as it came. (The types know this of servers only.)
  ...({ strictSingleValueFields: false } as object),
}

/** What a connection needs of the pool that keeps it. */
export interface Http2Keeper {
  onReady(connection: Http2Connection): void
  onFailed(connection: Http2Connection, error: Error | null): void
  /** A stream has ended, or the peer takes more of them now. */
  onRoom(connection: Http2Connection): void
  onClosed(connection: Http2Connection): void
}

/** One HTTP/2 connection to a host, with many requests at a time. */
export class Http2Connection implements StreamKeeper {
  readonly bornMs: number
  readonly generation: number
  readonly idleAlarm: Alarm
  readonly scheme: 'http' | 'https'
  /** Streams under way. */
  active = 0
  isLeaving = false
  lost: Error | null | undefined
  readonly #keeper: Http2Keeper
  readonly #context: ConnectionContext
  readonly #connectAlarm: Alarm
  readonly #socket: Socket
  #session: ClientHttp2Session | null = null
  #error: Error | null = null
  #uses = 0
  #timedOut = false

  constructor(target: DialTarget, connectTimeoutMs: number, context: ConnectionContext, keeper: Http2Keeper) {
    this.#keeper = keeper
    this.#context = context
    this.bornMs = context.now()
    this.generation = context.tls.generation
    this.scheme = target.tls === null ? 'http' : 'https'
    this.idleAlarm = new Alarm(() => this.leave())
    this.#connectAlarm = new Alarm(() => {
      this.#timedOut = true
      this.#socket.destroy()
    })
    this.#socket = openSocket(target, context.tls, { allowHalfOpen: false }, socket => this.guard(() => this.#onReady(socket)))
    this.#socket.on('error', error => {
      this.#error = error
    })
    // Before the session hears of it, so that its streams know what befell them.
    this.#socket.once('close', () => this.guard(() => this.#onGone()))
    context.wheel.set(this.#connectAlarm, connectTimeoutMs)
  }

  get session(): ClientHttp2Session {
    return this.#session!
  }

  get hasRoom(): boolean {
    const allowed = this.#session?.remoteSettings?.maxConcurrentStreams ?? FIRST_STREAMS
    return !this.isLeaving && this.#session !== null && this.active < Math.min(allowed, MAX_STREAMS)
  }

  open(): Channel {
    this.active++
    this.#context.wheel.clear(this.idleAlarm)
    return new UpstreamStream(this, this.#uses++ > 0)
  }

  /** No new streams; ends with the last one under way, or as soon as it is open. */
  leave(): void {
    this.isLeaving = true
    this.#context.wheel.clear(this.idleAlarm)
    if (this.active === 0) this.#session?.close()
  }

  onStreamOver(): void {
    this.active--
    if (this.isLeaving) {
      if (this.active === 0) this.#session?.close()
    } else this.#keeper.onRoom(this)
  }

  readonly guard = (action: () => void): void => {
    try {
      action()
    } catch (error) {
      this.#context.faults(error)
      this.#socket.destroy()
    }
  }

  #onReady(socket: Socket): void {
    if (this.scheme === 'https' && (socket as TLSSocket).alpnProtocol !== 'h2') {
      socket.destroy(new Error('the upstream does not speak HTTP/2'))
      return
    }
    this.#context.wheel.clear(this.#connectAlarm)
    const session = connect(`${this.scheme}://upstream`, { ...options, createConnection: () => socket })
    this.#session = session
    session.setLocalWindowSize?.(CONNECTION_WINDOW)
    session.on('error', error => {
      this.#error ??= error
    })
    session.on('goaway', () => {
      this.isLeaving = true
      if (this.active === 0) session.close()
    })
    session.on('remoteSettings', () => this.guard(() => this.#keeper.onRoom(this)))
    session.once('close', () => socket.destroy())
    this.#keeper.onReady(this)
  }

  #onGone(): void {
    this.#context.wheel.clear(this.#connectAlarm)
    this.#context.wheel.clear(this.idleAlarm)
    this.lost = this.#error
    this.isLeaving = true
    if (this.#session === null) this.#keeper.onFailed(this, this.#timedOut ? new Error('connecting took too long') : this.#error)
    else this.#keeper.onClosed(this)
  }
}
