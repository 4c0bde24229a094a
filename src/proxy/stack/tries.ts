import type { Timer } from '../../std/clock.ts'
import type { Head } from '../codec/head.ts'
import type { LocalAnswer } from '../codec/local-answer.ts'
import type { Action } from '../compile/table.ts'
import { Alarm } from '../transport/wheel.ts'
import { HELD_BY_BUFFER, HELD_BY_SINK } from '../transport/wire.ts'
import {
  type Channel,
  type ChannelWaiter,
  type Framing,
  type ResponseReceiver,
  StreamResetError,
  type Trailers,
} from '../upstream/channel.ts'
import type { Cluster } from '../upstream/cluster.ts'
import type { Outcome } from '../upstream/ejection.ts'
import type { Failure } from '../upstream/failure.ts'
import type { Host } from '../upstream/host.ts'
import type { TryRecord } from './access-log.ts'
import type { Downstream } from './downstream.ts'
import { GRPC, grpcOutcome, grpcStatusIn } from './grpc.ts'
import { OutgoingRequest } from './outgoing.ts'
import type { Request } from './request.ts'
import { isIdempotent, isRationed, isRetriable, retryDelayMs, type TryFailure } from './retry.ts'
import type { Runtime } from './runtime.ts'

/** Whom the answer of the try that counts goes to. Bytes and head are valid during the call. */
export interface TriesOwner {
  /** Nobody has answered, and nobody will. */
  answer(local: LocalAnswer): void
  onInterim(bytes: Buffer, head: Head): void
  onAnswer(bytes: Buffer, head: Head, framing: Framing): void
  onAnswerBody(bytes: Buffer, from: number, to: number): void
  /** False: the client is full; `onClientDrained` follows. */
  onAnswerFlush(): boolean
  onAnswered(trailers: Trailers | null): void
  /** Too late for another answer: the client must see that this one is not whole. `code` of HTTP/2 */
  onCutOff(code: number): void
}

/** RST_STREAM's codes that are used here. https://www.rfc-editor.org/rfc/rfc9113#section-7 */
export const RESET = { noError: 0, protocolError: 1, internalError: 2, refusedStream: 7, cancel: 8, enhanceYourCalm: 11 } as const

export type Forward = Extract<Action, { kind: 'forward' }>

/** The tries of one request: on which host, with how much time each, and what follows when one fails. */
export class Tries implements ResponseReceiver, ChannelWaiter {
  readonly cluster: Cluster
  readonly outgoing = new OutgoingRequest()
  readonly records: TryRecord[] = []
  readonly #action: Forward
  readonly #request: Request
  readonly #downstream: Downstream
  readonly #runtime: Runtime
  readonly #owner: TriesOwner
  #tryAlarm: Alarm | null = null
  #delay: Timer | null = null

  /** The try under way. */
  #host: Host | null = null
  #channel: Channel | null = null
  #startedMs = 0
  #isRationedRetry = false
  #isRedial = false
  #refusedBy: Host | null = null
  /** An application may have begun to act on an earlier try. */
  #mayBeSeen = false

  readonly #tried: Host[] = []
  #retries = 0
  #isBegun = false
  #isOver = false
  #isAnswering = false
  #status = 0
  /** The head said nothing of the call's status: its trailers will. */
  #awaitsGrpcStatus = false

  constructor(parts: {
    readonly cluster: Cluster
    readonly action: Forward
    readonly request: Request
    readonly downstream: Downstream
    readonly runtime: Runtime
    readonly owner: TriesOwner
  }) {
    this.cluster = parts.cluster
    this.#action = parts.action
    this.#request = parts.request
    this.#downstream = parts.downstream
    this.#runtime = parts.runtime
    this.#owner = parts.owner
  }

  /** What was read so far has been added to `outgoing`. */
  flush(): void {
    if (this.#channel !== null) this.#send(this.#channel)
    else if (!this.#isBegun) {
      this.#isBegun = true
      this.#try()
    } else if (this.outgoing.isFull) this.#downstream.out.hold(HELD_BY_BUFFER)
  }

  /** The client takes bytes again. */
  onClientDrained(): void {
    this.#channel?.release()
  }

  /** No more tries; what is under way is let go. */
  letGo(): void {
    this.#isOver = true
    this.#delay?.cancel()
    this.#delay = null
    if (this.#host === null) return
    this.#drop()
    this.#endTry('given up')
  }

  /** As `letGo`, because the time for all of them is up. */
  timeOut(): void {
    const host = this.#host
    if (this.#channel !== null) this.cluster.report(host!, 'local', this.#startedMs)
    this.cluster.countFailure('timeout')
    if (host === null) return
    this.#drop()
    this.#endTry('timeout')
  }

  #try(): void {
    const host = this.cluster.choose(this.#tried, this.#isLastTry)
    if (host === null) {
      this.#owner.answer(unavailable(`no endpoint of ${this.cluster.name} is available`, 'no-endpoint'))
      return
    }
    this.#start(host, false)
  }

  #start(host: Host, fresh: boolean): void {
    this.#host = host
    host.active++
    this.#startedMs = this.#runtime.clock.monotonic()
    this.outgoing.rewind()
    const perTryMs = this.#action.retry?.perTryTimeoutMs ?? null
    if (perTryMs !== null && perTryMs > 0) {
      this.#tryAlarm ??= new Alarm(() => this.#onTryTimeout())
      this.#runtime.wheel.set(this.#tryAlarm, perTryMs)
    }
    // Behind a zone's gateway another connection may lead to another instance.
    host.pool.acquire(this, fresh || host === this.#refusedBy)
    if (this.#channel === null && this.#host !== null && this.outgoing.isFull) this.#downstream.out.hold(HELD_BY_BUFFER)
  }

  onChannel(channel: Channel): void {
    this.#channel = channel
    channel.begin(this, this.#request.method === 'HEAD')
    this.#send(channel)
  }

  #send(channel: Channel): void {
    const taken = this.outgoing.sendOn(channel)
    const { out } = this.#downstream
    if (taken) out.release(HELD_BY_BUFFER | HELD_BY_SINK)
    else out.hold(HELD_BY_SINK)
  }

  onSinkDrained(): void {
    this.#downstream.out.release(HELD_BY_BUFFER | HELD_BY_SINK)
  }

  onNoChannel(failure: Failure, error: Error | null): void {
    const host = this.#host!
    const { cluster } = this
    if (failure === 'connect') {
      cluster.report(host, 'local', this.#startedMs)
      // An inbound listener's plain cluster is the application beside us.
      if (cluster.table.tls === null && this.#downstream.service.kind === 'mtls') this.#runtime.onLocalFailure(cluster.name)
    }
    const reason = failure === 'overflow' ? 'limits' : describe(error)
    this.#endTry(failure === 'overflow' ? 'overflow' : reason)
    cluster.countFailure(failure)
    if (this.#retryAfter(failure, host)) return
    const wasHandedOver = this.outgoing.everSent
    const place = `${host.config.name || host.address} (${host.address}:${host.port})`
    const body =
      failure === 'overflow' ? `more requests wait for ${cluster.name} than its limit allows` : `no connection to ${place}: ${reason}`
    this.#owner.answer(unavailable(body, wasHandedOver ? undefined : failure))
  }

  onHead(bytes: Buffer, head: Head): void {
    if (head.status < 200) {
      this.#owner.onInterim(bytes, head)
      return
    }
    const { cluster } = this
    const [host, channel] = [this.#host!, this.#channel!]
    if (this.#tryAlarm !== null) this.#runtime.wheel.clear(this.#tryAlarm)
    const grpcStatus = this.#request.isGrpc ? grpcStatusIn(bytes, head) : null
    // Only a proxy's word counts: an application may send any header it likes.
    const isRefused = head.refusedField >= 0 && (head.status === 503 || grpcStatus === GRPC.unavailable) && cluster.table.tls !== null
    this.#awaitsGrpcStatus = this.#request.isGrpc && head.status === 200 && grpcStatus === null
    if (isRefused) cluster.report(host, 'local', this.#startedMs)
    else if (grpcStatus !== null) cluster.report(host, grpcOutcome(grpcStatus), this.#startedMs)
    else if (!this.#awaitsGrpcStatus) cluster.report(host, outcomeOf(head.status), this.#startedMs)
    if (isRefused) {
      cluster.countFailure('refused')
      channel.spend()
    }
    if (isRefused || head.status >= 400 || (grpcStatus ?? 0) > 0) {
      const failure: TryFailure = isRefused ? 'refused' : { status: head.status, grpcStatus }
      if (this.#mayRetry(failure)) {
        this.#endTry(isRefused ? 'refused' : grpcStatus === null ? String(head.status) : `grpc-status ${grpcStatus}`)
        channel.abandon()
        this.#retryAfter(failure, host)
        return
      }
    }
    const { framing } = channel
    if (this.#request.minor === 0 && framing === 'chunked') {
      this.#endTry('chunked answer to an HTTP/1.0 request')
      channel.abandon()
      this.#owner.answer({ status: 502, body: 'the upstream answered in chunks, which this HTTP/1.0 client cannot read' })
      return
    }
    this.#isAnswering = true
    this.#status = head.status
    this.outgoing.letGo()
    this.#owner.onAnswer(bytes, head, framing)
  }

  onBody(bytes: Buffer, from: number, to: number): void {
    this.#owner.onAnswerBody(bytes, from, to)
  }

  onFlush(): void {
    if (!this.#owner.onAnswerFlush()) this.#channel?.hold()
  }

  onComplete(trailers: Trailers | null): void {
    this.#channel = null
    if (this.#awaitsGrpcStatus) {
      const at = trailers?.indexOf('grpc-status') ?? -1
      this.cluster.report(this.#host!, at < 0 ? 'server' : grpcOutcome(Number(trailers![at + 1])), this.#startedMs)
    }
    this.#endTry(String(this.#status))
    this.#owner.onAnswered(trailers)
  }

  onBroken(answered: boolean, error: Error | null): void {
    const { cluster } = this
    const [host, channel] = [this.#host!, this.#channel!]
    this.#channel = null
    if (this.#isAnswering) {
      cluster.report(host, 'local', this.#startedMs)
      cluster.countFailure('reset')
      this.#endTry(`cut off: ${describe(error)}`)
      this.#owner.onCutOff(error instanceof StreamResetError ? error.code : RESET.internalError)
      return
    }
    const reset = error instanceof StreamResetError ? error : null
    const isUnseen = reset?.isUnseen ?? false
    const isStale = reset === null ? !answered && isIdempotent(this.#request.method) : isUnseen && reset.isClosing
    if (isStale && channel.isReused && !this.#isRedial && this.outgoing.canReplay) {
      // It was closed while it rested and we met the close on its way: no failure of the host's.
      this.#isRedial = true
      this.#endTry('stale connection')
      this.#start(host, true)
      return
    }
    const failure: Failure = isUnseen ? 'refused' : 'reset'
    // Who turns single streams away has enough to do, and is well.
    if (!isUnseen) cluster.report(host, 'local', this.#startedMs)
    cluster.countFailure(failure)
    this.#endTry(answered && error !== null ? error.message : describe(error))
    if (this.#retryAfter(failure, host)) return
    const name = host.config.name || host.address
    this.#owner.answer(
      isUnseen
        ? unavailable(`${name} takes no more requests now`, this.#mayBeSeen ? undefined : 'refused-stream')
        : { status: 502, body: `${name} closed the connection before it answered` },
    )
  }

  /** Another try instead of giving up. */
  #retryAfter(failure: TryFailure, host: Host): boolean {
    if (this.#isOver || !this.#mayRetry(failure)) return false
    const { cluster } = this
    const rule = this.#action.retry!
    this.#retries++
    cluster.stats.retries++
    if (isRationed(failure)) {
      this.#isRationedRetry = this.#mayBeSeen = true
      cluster.retrying++
    }
    this.#tried.push(host)
    this.#isRedial = false
    const next = cluster.choose(this.#tried, this.#isLastTry)
    const delayMs = retryDelayMs(rule, this.#retries, next === null || this.#tried.includes(next), this.#runtime.random)
    if (failure === 'refused') this.#refusedBy = host
    if (delayMs <= 0 && next !== null) this.#start(next, false)
    else this.#delay = this.#runtime.clock.setTimeout(() => this.#tryNow(), delayMs)
    return true
  }

  get #isLastTry(): boolean {
    return this.#retries >= (this.#action.retry?.attempts ?? 0)
  }

  #tryNow(): void {
    this.#delay = null
    try {
      this.#try()
    } catch (error) {
      this.#runtime.faults(error)
      this.#downstream.out.destroy()
    }
  }

  #mayRetry(failure: TryFailure): boolean {
    const rule = this.#action.retry
    return (
      rule !== null &&
      this.#retries < rule.attempts &&
      isRetriable(rule, failure) &&
      this.outgoing.canReplay &&
      (!isRationed(failure) || this.cluster.admitsRetry())
    )
  }

  #onTryTimeout(): void {
    const { cluster } = this
    const host = this.#host
    if (host === null || this.#isAnswering) return
    const failure: Failure = this.#channel === null ? 'connect' : 'timeout'
    this.#drop()
    cluster.report(host, 'local', this.#startedMs)
    cluster.countFailure(failure)
    this.#endTry('timeout')
    if (this.#retryAfter(failure, host)) return
    this.#owner.answer({ status: 504, body: `${host.config.name || host.address} did not answer in time` })
  }

  /** Lets go of the channel, or of the wait for one. */
  #drop(): void {
    const channel = this.#channel
    this.#channel = null
    if (channel !== null) channel.abandon()
    else this.#host?.pool.cancel(this)
  }

  #endTry(outcome: string): void {
    const host = this.#host
    if (host === null) return
    this.#host = null
    this.#channel = null
    host.active--
    if (this.#tryAlarm !== null) this.#runtime.wheel.clear(this.#tryAlarm)
    if (this.#isRationedRetry) {
      this.#isRationedRetry = false
      this.cluster.retrying--
    }
    this.records.push({ host: host.config.name || host.key, zone: host.config.zone, outcome })
  }
}

function outcomeOf(status: number): Outcome {
  if (status < 500) return 'success'
  return status >= 502 && status <= 504 ? 'gateway' : 'server'
}

export function unavailable(body: string, refused: string | undefined): LocalAnswer {
  return refused === undefined ? { status: 503, body } : { status: 503, body, refused }
}

function describe(error: Error | null): string {
  if (error === null) return 'connection closed'
  const { code } = error as NodeJS.ErrnoException
  return typeof code === 'string' && code.startsWith('E') ? code : error.message
}
