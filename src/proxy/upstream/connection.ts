import { Body } from '../codec/body.ts'
import { Head, textOf } from '../codec/head.ts'
import { INCOMPLETE, parseResponse } from '../codec/parse-head.ts'
import { type DialOwner, type DialTarget, dial } from '../transport/dial.ts'
import type { TlsMaterial } from '../transport/tls-material.ts'
import { Alarm, type TimerWheel } from '../transport/wheel.ts'
import { type Faults, HELD_BY_SINK, type Wire } from '../transport/wire.ts'
import type { Channel, Framing, ResponseReceiver } from './channel.ts'

/** What a connection needs of the pool that keeps it. */
export interface ConnectionKeeper {
  onReady(connection: UpstreamConnection): void
  onFailed(connection: UpstreamConnection, error: Error | null): void
  onFree(connection: UpstreamConnection): void
  onClosed(connection: UpstreamConnection): void
}

export interface ConnectionContext {
  readonly tls: TlsMaterial
  readonly wheel: TimerWheel
  readonly faults: Faults
  now(): number
}

const head = new Head()

/** One HTTP/1.1 connection to a host, with one request at a time. */
export class UpstreamConnection implements DialOwner, Channel {
  readonly wire: Wire
  readonly bornMs: number
  readonly generation: number
  /** Requests begun on it. */
  uses = 0
  /** Must not serve another request. */
  isSpent = false
  /** The upstream closes after this much idle time, by its own word (`Keep-Alive: timeout`), ms. */
  idleLimitMs = Number.POSITIVE_INFINITY
  readonly #keeper: ConnectionKeeper
  readonly #context: ConnectionContext
  readonly #body = new Body()
  readonly #connectAlarm: Alarm
  readonly idleAlarm: Alarm
  /** The request under way has left in full. */
  #isRequestSent = false
  #isReady = false
  #receiver: ResponseReceiver | null = null
  #answered = false
  /** After the final head. */
  #inBody = false
  #isHeadRequest = false
  #stash: Buffer | null = null
  #timedOut = false

  constructor(target: DialTarget, connectTimeoutMs: number, context: ConnectionContext, keeper: ConnectionKeeper) {
    this.#keeper = keeper
    this.#context = context
    this.bornMs = context.now()
    this.generation = context.tls.generation
    this.#connectAlarm = new Alarm(() => {
      this.#timedOut = true
      this.wire.destroy()
    })
    this.idleAlarm = new Alarm(() => this.close())
    this.wire = dial(target, context.tls, context.faults, this)
    context.wheel.set(this.#connectAlarm, connectTimeoutMs)
  }

  get isReused(): boolean {
    return this.uses > 1
  }

  /** The next bytes written are a request of this receiver's. */
  begin(receiver: ResponseReceiver, isHeadRequest: boolean): void {
    this.#receiver = receiver
    this.#isHeadRequest = isHeadRequest
    this.#answered = this.#inBody = this.#isRequestSent = false
    this.uses++
  }

  sendHead(head: Buffer): boolean {
    return this.wire.send(head)
  }

  send(part: Buffer): boolean {
    return this.wire.send(part)
  }

  /** Trailers of a request do not travel on in HTTP/1.1. */
  finishRequest(): void {
    this.#isRequestSent = true
  }

  hold(): void {
    this.wire.hold(HELD_BY_SINK)
  }

  release(): void {
    this.wire.release(HELD_BY_SINK)
  }

  spend(): void {
    this.isSpent = true
  }

  /** The receiver wants no more of it. Its response may be under way, so it serves nobody else. */
  abandon(): void {
    this.#receiver = null
    this.close()
  }

  close(): void {
    this.isSpent = true
    this.#context.wheel.clear(this.idleAlarm)
    this.wire.destroy()
  }

  onReady(): void {
    this.#isReady = true
    this.#context.wheel.clear(this.#connectAlarm)
    this.#keeper.onReady(this)
  }

  onBytes(bytes: Buffer, length: number): void {
    let from = 0
    if (this.#stash !== null) {
      bytes = Buffer.concat([this.#stash, bytes.subarray(0, length)])
      length = bytes.length
      this.#stash = null
    }
    const receiver = this.#receiver
    // An answer that nobody asked for must never become the answer to a later request.
    if (receiver === null) {
      this.close()
      return
    }
    this.#answered = true
    while (!this.#inBody) {
      const end = parseResponse(bytes, from, length, head)
      if (end === INCOMPLETE) {
        this.#stash = Buffer.from(bytes.subarray(from, length))
        receiver.onFlush()
        return
      }
      // 101 answers an `Upgrade`, which never passes on from here.
      if (end < 0 || head.status === 101) {
        this.#breakOff(new Error('the upstream does not answer in HTTP/1.1'))
        return
      }
      if (head.status >= 200) this.#startBody(bytes)
      receiver.onHead(bytes, head)
      // It may have given the response up.
      if (this.#receiver !== receiver) return
      from = end
      if (from === length && !this.#inBody) {
        receiver.onFlush()
        return
      }
    }
    const end = this.#body.follow(bytes, from, length)
    if (this.#body.isBad) {
      this.#breakOff(new Error('the upstream sent a broken chunk'))
      return
    }
    const { cuts } = this.#body.chunks
    if (cuts.length > 0) {
      for (let i = 0; i < cuts.length; i += 2) {
        if (cuts[i]! > from) receiver.onBody(bytes, from, cuts[i]!)
        from = cuts[i + 1]!
      }
      cuts.length = 0
    }
    if (end > from) receiver.onBody(bytes, from, end)
    receiver.onFlush()
    if (this.#body.isOpen || this.#receiver !== receiver) return
    if (end < length) this.isSpent = true
    this.#finish(receiver)
  }

  onEnd(): void {
    const receiver = this.#receiver
    this.isSpent = true
    if (receiver !== null && this.#inBody && this.#body.untilClose) {
      this.#body.none()
      this.#finish(receiver)
    }
    this.wire.destroy()
  }

  onDrained(): void {
    this.#receiver?.onSinkDrained()
  }

  onGone(error: Error | null): void {
    this.isSpent = true
    this.#context.wheel.clear(this.#connectAlarm)
    this.#context.wheel.clear(this.idleAlarm)
    if (!this.#isReady) {
      this.#keeper.onFailed(this, this.#timedOut ? new Error('connecting took too long') : error)
      return
    }
    this.#keeper.onClosed(this)
    const receiver = this.#receiver
    this.#receiver = null
    receiver?.onBroken(this.#answered, error)
  }

  /** `head` is the final one. */
  #startBody(bytes: Buffer): void {
    this.#inBody = true
    if (!head.keepAlive || head.minor === 0) this.isSpent = true
    if (head.keepAliveField >= 0)
      this.idleLimitMs = idleLimit(textOf(bytes, head.valueFrom[head.keepAliveField]!, head.valueTo[head.keepAliveField]!))
    if (this.#isHeadRequest || head.status === 204 || head.status === 304) this.#body.none()
    else if (head.chunked) this.#body.chunked()
    else if (head.contentLength >= 0) this.#body.length(head.contentLength)
    else {
      this.#body.close()
      this.isSpent = true
    }
  }

  /** How the body of the response under way is framed: for the receiver, in `onHead`. */
  get framing(): Framing {
    return !this.#body.isOpen ? 'none' : this.#body.isChunked ? 'chunked' : this.#body.untilClose ? 'close' : 'length'
  }

  #finish(receiver: ResponseReceiver): void {
    this.#receiver = null
    this.#inBody = false
    // The rest of a request that was answered early would be read as the next one.
    if (!this.#isRequestSent) this.isSpent = true
    this.wire.release(HELD_BY_SINK)
    // First the connection, then the news: the client's next request may want it.
    this.#keeper.onFree(this)
    receiver.onComplete(null)
  }

  #breakOff(error: Error): void {
    const receiver = this.#receiver
    this.#receiver = null
    this.close()
    receiver?.onBroken(true, error)
  }
}

/** One second before the upstream says it will close: a request must not meet the close on its way. */
function idleLimit(text: string): number {
  const seconds = /(?:^|[,\s])timeout\s*=\s*"?(\d{1,6})/i.exec(text)?.[1]
  return seconds === undefined ? Number.POSITIVE_INFINITY : Math.max(0, Number(seconds) * 1000 - 1000)
}
