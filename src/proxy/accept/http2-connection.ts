import { constants, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream, type ServerSessionOptions } from 'node:http2'
import type { Socket } from 'node:net'
import { MAX_HEAD_BYTES } from '../codec/head.ts'
import type { HttpHandler } from '../compile/table.ts'
import { PermissionCheck } from '../stack/permissions.ts'
import type { Client, Runtime, Service } from '../stack/runtime.ts'
import { Alarm } from '../transport/wheel.ts'
import { Http2Stream, type StreamContext } from './http2-stream.ts'
import { type Proof, renewProof } from './proof.ts'

/** A connection without a request. Longer than any caller of ours keeps one, so that it is the caller who closes. */
const IDLE_MS = 300_000

/** Of one stream, then of all streams of a connection: more is not sent before we have taken some. */
const STREAM_WINDOW = 256 * 1024
const CONNECTION_WINDOW = 4 * 1024 * 1024

/**
 * What one client can make us hold. Floods of CONTINUATION, SETTINGS, PING and of streams that are begun and reset are bounded by nghttp2
 * itself, which ends the connection: https://nghttp2.org/documentation/nghttp2_option_set_stream_reset_rate_limit.html
 */
const options: ServerSessionOptions = {
  settings: { maxConcurrentStreams: 256, initialWindowSize: STREAM_WINDOW, maxHeaderListSize: MAX_HEAD_BYTES },
  maxSessionMemory: 32,
  maxHeaderListPairs: 128,
  maxOutstandingPings: 10,
  maxSettings: 32,
  // A field that came twice goes on as it came.
  strictSingleValueFields: false,
}

/** One client's HTTP/2 connection. Takes the socket over. */
export class Http2Connection {
  readonly #session: ServerHttp2Session
  readonly #runtime: Runtime
  readonly #context: StreamContext
  readonly #streams = new Set<Http2Stream>()
  readonly #alarm: Alarm
  #proof: Proof | null

  constructor(
    socket: Socket,
    parts: {
      readonly client: Client
      readonly proof: Proof | null
      readonly service: Service<HttpHandler>
      readonly runtime: Runtime
      readonly onGone: (connection: Http2Connection) => void
    },
  ) {
    const { client, service, runtime } = parts
    this.#runtime = runtime
    this.#proof = parts.proof
    this.#context = {
      client,
      service,
      runtime,
      permissions: new PermissionCheck(client.peer),
      onOver: stream => {
        this.#streams.delete(stream)
        if (this.#streams.size === 0) runtime.wheel.set(this.#alarm, IDLE_MS)
      },
    }
    this.#alarm = new Alarm(() => this.leave())
    socket.on('error', () => {})
    // Nobody closes one direction of HTTP/2 alone: who sends no more is gone.
    socket.allowHalfOpen = false
    this.#session = performServerHandshake(socket, options)
    this.#session.setLocalWindowSize(CONNECTION_WINDOW)
    this.#session.on('error', () => {})
    this.#session.on('stream', (stream: ServerHttp2Stream, _headers: object, flags: number, raw: string[]) =>
      this.#onStream(stream, flags, raw),
    )
    this.#session.once('close', () => {
      runtime.wheel.clear(this.#alarm)
      parts.onGone(this)
    })
    runtime.wheel.set(this.#alarm, IDLE_MS)
  }

  get isBusy(): boolean {
    return this.#streams.size > 0
  }

  /** Says that no more requests are taken, and ends with the last one under way. */
  leave(): void {
    this.#session.close()
  }

  destroy(): void {
    this.#session.destroy()
  }

  #onStream(stream: ServerHttp2Stream, flags: number, raw: string[]): void {
    if (!this.#isStillTrusted()) return
    this.#runtime.wheel.clear(this.#alarm)
    const served = new Http2Stream(stream, (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0, this.#context)
    this.#streams.add(served)
    served.begin(raw)
  }

  #isStillTrusted(): boolean {
    if (this.#proof === null) return true
    this.#proof = renewProof(this.#proof, this.#runtime)
    if (this.#proof !== null) return true
    this.#context.service.stats.refused++
    this.destroy()
    return false
  }
}
