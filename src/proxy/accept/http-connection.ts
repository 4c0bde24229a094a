import type { Socket } from 'node:net'
import { Body } from '../codec/body.ts'
import { Head, textOf } from '../codec/head.ts'
import { composeLocalAnswer } from '../codec/local-answer.ts'
import { INCOMPLETE, parseRequest, VERSION_NOT_SUPPORTED } from '../codec/parse-head.ts'
import type { HttpHandler } from '../compile/table.ts'
import type { Downstream } from '../stack/downstream.ts'
import { Exchange } from '../stack/exchange.ts'
import type { HostVerdict } from '../stack/hosts-wanted.ts'
import { PermissionCheck } from '../stack/permissions.ts'
import { type Request, readRequest } from '../stack/request.ts'
import type { Client, Runtime, Service } from '../stack/runtime.ts'
import { runStack } from '../stack/stack.ts'
import { Alarm } from '../transport/wheel.ts'
import { HELD_BY_LOOKUP, HELD_BY_PIPELINE, type Wire, type WireOwner } from '../transport/wire.ts'
import { Http1Answer } from './http1-answer.ts'
import { type Proof, renewProof } from './proof.ts'
import { unknownHost } from './unknown-host.ts'

/** For a head to arrive in full, from its first byte. */
const HEAD_MS = 10_000
/** A connection without a request, or without more of its body. Longer than any caller of ours keeps one, so that it is the caller who closes. */
const IDLE_MS = 300_000
/** For the answer to a client that sends no more. Most of these are not waiting for it but gone, which looks the same. */
const HALF_CLOSED_MS = 5_000

/** How HTTP/2 begins, as far as it looks like a request of HTTP/1. https://www.rfc-editor.org/rfc/rfc9113#section-3.4 */
const PREFACE = 'PRI * HTTP/2.0\r\n'

const head = new Head()
const nothing = Buffer.alloc(0)

/** One client's HTTP/1.1 connection: reads requests one after the other, and gives each to an exchange. */
export class HttpConnection implements WireOwner, Downstream {
  readonly wire: Wire
  readonly client: Client
  readonly service: Service<HttpHandler>
  readonly out: Http1Answer
  keepAlive = true
  readonly #runtime: Runtime
  readonly #permissions: PermissionCheck
  readonly #onHttp2: (socket: Socket, from: HttpConnection) => void
  readonly #onGone: (connection: HttpConnection) => void
  readonly #body = new Body()
  readonly #alarm: Alarm
  #proof: Proof | null
  #exchange: Exchange | null = null
  /** Bytes that cannot be read yet: a part of a head, or requests behind the one under way. */
  #stash: Buffer | null = null
  #isFirst = true
  #isReading = false
  #alarmIsForHead = false
  #isLeaving = false
  #hasEnded = false
  #isFinished = false
  #stopWaiting: (() => void) | null = null

  constructor(
    wire: Wire,
    options: {
      readonly client: Client
      readonly proof: Proof | null
      readonly service: Service<HttpHandler>
      readonly runtime: Runtime
      /** The client speaks HTTP/2 from its first byte on: the socket is somebody else's from now. */
      readonly onHttp2: (socket: Socket, from: HttpConnection) => void
      readonly onGone: (connection: HttpConnection) => void
    },
  ) {
    this.wire = wire
    this.client = options.client
    this.service = options.service
    this.#proof = options.proof
    this.out = new Http1Answer(this, options.runtime.slab)
    this.#runtime = options.runtime
    this.#permissions = new PermissionCheck(options.client.peer)
    this.#onHttp2 = options.onHttp2
    this.#onGone = options.onGone
    this.#alarm = new Alarm(() => this.#onAlarm())
    this.#runtime.wheel.set(this.#alarm, IDLE_MS)
    wire.owner = this
  }

  get isBusy(): boolean {
    return this.#exchange !== null || this.#stopWaiting !== null
  }

  /** Ends after the request under way; at once when there is none. */
  leave(): void {
    this.#isLeaving = true
    this.keepAlive = false
    if (!this.isBusy && this.#stash === null) this.#finish()
  }

  destroy(): void {
    this.wire.destroy()
  }

  onBytes(bytes: Buffer, length: number): void {
    if (this.#stash !== null) {
      const start = this.#stash.length
      bytes = Buffer.concat([this.#stash, bytes.subarray(0, length)])
      length = bytes.length
      this.#stash = null
      // Reading a head from its start for every byte of it would let a slow client burn our time.
      if (
        !this.isBusy &&
        !this.#body.isOpen &&
        length < HEAD_SEARCH_BYTES &&
        !bytes.subarray(Math.max(0, start - 3), length).includes('\r\n\r\n')
      ) {
        this.#stash = bytes
        return
      }
    }
    this.#read(bytes, length, null)
  }

  /** Reads requests until the bytes are used up or one of them has to be waited for. `verdict`: what came of the wait for the first one's host. */
  #read(bytes: Buffer, length: number, verdict: HostVerdict | null): void {
    this.#isReading = true
    let from = 0
    while (from < length && !this.#isFinished) {
      if (this.#body.isOpen) from = this.#readBody(bytes, from, length)
      else if (this.isBusy) {
        // Pipelined: their turn comes when the answer under way is complete.
        this.#keep(bytes, from, length)
        this.wire.hold(HELD_BY_PIPELINE)
        break
      } else {
        const next = this.#readHead(bytes, from, length, verdict)
        verdict = null
        if (next < 0) break
        from = next
      }
    }
    this.#isReading = false
  }

  /** Offset after what was used, or -1 when nothing more can be read now. */
  #readHead(bytes: Buffer, from: number, length: number, verdict: HostVerdict | null): number {
    const { wheel } = this.#runtime
    const end = parseRequest(bytes, from, length, head)
    if (end === INCOMPLETE) {
      // From the first byte on: more bytes do not buy more time.
      if (!this.#alarmIsForHead) {
        this.#alarmIsForHead = true
        wheel.set(this.#alarm, HEAD_MS)
      }
      this.#keep(bytes, from, length)
      return -1
    }
    wheel.clear(this.#alarm)
    this.#alarmIsForHead = false
    if (end === VERSION_NOT_SUPPORTED && this.#isFirst && textOf(bytes, from, from + PREFACE.length) === PREFACE) {
      this.#becomeHttp2(bytes.subarray(from, length))
      return -1
    }
    this.#isFirst = false
    if (end < 0) {
      this.#refuse(-end, parseRefusals[-end] ?? 'malformed request')
      return -1
    }
    const request = readRequest(bytes, head)
    if (typeof request === 'string') {
      this.#refuse(400, request)
      return -1
    }
    if (!this.#isStillTrusted()) return -1
    this.keepAlive = head.keepAlive && !this.#isLeaving && !this.#runtime.isDraining
    if (head.chunked) this.#body.chunked()
    else if (head.contentLength > 0) this.#body.length(head.contentLength)
    else this.#body.none()
    return this.#begin(request, bytes, from, end, length, verdict)
  }

  #becomeHttp2(early: Buffer): void {
    this.#isFinished = true
    const socket = this.wire.surrender()
    socket.unshift(Buffer.from(early))
    this.#onHttp2(socket, this)
  }

  #begin(request: Request, bytes: Buffer, from: number, headEnd: number, length: number, verdict: HostVerdict | null): number {
    const runtime = this.#runtime
    const decision = runStack({
      request,
      bytes,
      head,
      service: this.service,
      permissions: this.#permissions,
      runtime,
      hasWaited: verdict !== null,
    })
    if (decision?.kind === 'wait') {
      this.#body.none()
      this.#keep(bytes, from, length)
      this.#waitFor(decision.host)
      return -1
    }
    const exchange = new Exchange(request, this, runtime)
    this.#exchange = exchange
    if (decision !== null) {
      const bodyEnd = this.#body.follow(bytes, headEnd, length)
      if (this.#body.isBad || this.#body.isOpen) this.keepAlive = false
      exchange.answer(verdict === null || verdict === 'known' ? decision.answer : unknownHost(request.host, verdict))
      return bodyEnd
    }
    exchange.forward(bytes, head)
    if (this.#body.isOpen && headEnd < length) return this.#readBody(bytes, headEnd, length)
    if (this.#body.isOpen) runtime.wheel.set(this.#alarm, IDLE_MS)
    exchange.onRequestFlush(!this.#body.isOpen)
    return headEnd
  }

  #readBody(bytes: Buffer, from: number, length: number): number {
    const end = this.#body.follow(bytes, from, length)
    if (this.#body.isBad) {
      this.#refuse(400, 'malformed chunk')
      return length
    }
    const exchange = this.#exchange
    if (exchange === null) return end
    const { cuts } = this.#body.chunks
    for (let i = 0; i < cuts.length; i += 2) {
      if (cuts[i]! > from) exchange.onRequestBody(bytes.subarray(from, cuts[i]!))
      from = cuts[i + 1]!
    }
    cuts.length = 0
    if (end > from) exchange.onRequestBody(bytes.subarray(from, end))
    if (this.#body.isOpen) this.#runtime.wheel.set(this.#alarm, IDLE_MS)
    else this.#runtime.wheel.clear(this.#alarm)
    exchange.onRequestFlush(!this.#body.isOpen)
    return end
  }

  exchangeOver(): void {
    this.#exchange = null
    if (this.wire.gone || this.#isFinished) return
    if (!this.keepAlive || this.#body.isOpen || this.#body.isBad) {
      this.#finish()
      return
    }
    this.#runtime.wheel.set(this.#alarm, IDLE_MS)
    if (!this.#isReading) this.#readOn(null)
  }

  #readOn(verdict: HostVerdict | null): void {
    const stash = this.#stash
    this.#stash = null
    if (stash !== null) this.#read(stash, stash.length, verdict)
    if (!this.isBusy) this.wire.release(HELD_BY_PIPELINE)
  }

  #waitFor(host: string): void {
    this.wire.hold(HELD_BY_LOOKUP)
    let isSync = true
    let early: HostVerdict | null = null
    const stop = this.#runtime.hostsWanted.wait(this.service.handler.routes.name, host, verdict => {
      if (isSync) early = verdict
      else this.#waited(verdict)
    })
    isSync = false
    this.#stopWaiting = stop
    // Not from within the reading that brought us here.
    if (early !== null) queueMicrotask(() => this.#waited(early!))
  }

  #waited(verdict: HostVerdict): void {
    if (this.#stopWaiting === null || this.wire.gone) return
    this.#stopWaiting = null
    try {
      this.#readOn(verdict)
    } catch (error) {
      this.#runtime.faults(error)
      this.wire.destroy()
    }
    this.wire.release(HELD_BY_LOOKUP)
  }

  #isStillTrusted(): boolean {
    if (this.#proof === null) return true
    this.#proof = renewProof(this.#proof, this.#runtime)
    if (this.#proof !== null) return true
    this.service.stats.refused++
    this.#isFinished = true
    this.wire.destroy()
    return false
  }

  #onAlarm(): void {
    if (this.#hasEnded || this.#body.isOpen) this.wire.destroy()
    else if (this.#alarmIsForHead) this.#refuse(408, 'the request head took too long')
    else if (!this.isBusy) this.#finish()
  }

  /** The connection means nothing any more: what follows on it might be anything. */
  #refuse(status: number, reason: string): void {
    this.keepAlive = false
    this.#body.none()
    if (this.#exchange !== null) {
      // Its request turned bad underway. If its answer has begun, it is cut off.
      this.#exchange.refuse({ status, body: reason })
      return
    }
    this.#logRefusal(status)
    this.wire.send(composeLocalAnswer({ status, body: reason }, { closes: true, withoutBody: false }))
    this.#finish()
  }

  #logRefusal(status: number): void {
    const { service, client } = this
    const { accessLog, clock } = this.#runtime
    service.stats.classes[Math.floor(status / 100)]!++
    accessLog?.({
      timeMs: clock.now(),
      listener: service.name,
      peer: client.peer ?? client.address,
      method: '',
      host: '',
      path: '',
      status,
      bytes: 0,
      durationMs: 0,
      route: '',
      cluster: '',
      tries: [],
    })
  }

  #keep(bytes: Buffer, from: number, length: number): void {
    this.#stash = from === length ? null : Buffer.from(from === 0 && length === bytes.length ? bytes : bytes.subarray(from, length))
  }

  #finish(): void {
    if (this.#isFinished) return
    this.#isFinished = true
    this.#stash = null
    this.#runtime.wheel.clear(this.#alarm)
    this.wire.finish(this.#runtime.wheel)
  }

  onEnd(): void {
    // A proxy of the mesh never closes one direction only: it gave up. Other clients may, and still want their answer.
    const isAbort = this.service.kind === 'mtls' || this.#body.isOpen || !this.isBusy
    this.keepAlive = false
    this.#hasEnded = true
    if (isAbort) this.wire.destroy()
    else this.#runtime.wheel.set(this.#alarm, HALF_CLOSED_MS)
  }

  onDrained(): void {
    this.#exchange?.onClientDrained()
  }

  onGone(): void {
    this.#isFinished = true
    this.#runtime.wheel.clear(this.#alarm)
    this.#stopWaiting?.()
    this.#stopWaiting = null
    this.#stash = nothing
    this.#exchange?.abort()
    this.#onGone(this)
  }
}

/** A stash beyond this is read whatever is in it: it is too large, or there is something wrong with it. */
const HEAD_SEARCH_BYTES = 32 * 1024

const parseRefusals: Readonly<Record<number, string>> = {
  431: 'the request head is too large: at most 32 KB and 100 fields',
  501: 'a transfer coding other than chunked',
  505: 'only HTTP/1.0 and HTTP/1.1 are spoken here',
}
