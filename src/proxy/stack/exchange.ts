import type { Timer } from '../../std/clock.ts'
import { composeRequest } from '../codec/compose-request.ts'
import { composeResponse } from '../codec/compose-response.ts'
import { noEdits } from '../codec/edits.ts'
import type { Head } from '../codec/head.ts'
import { composeLocalAnswer, type LocalAnswer } from '../codec/local-answer.ts'
import type { HttpHandler, Route } from '../compile/table.ts'
import { Alarm } from '../transport/wheel.ts'
import { HELD_BY_BUFFER, HELD_BY_SINK, type Wire } from '../transport/wire.ts'
import type { Cluster } from '../upstream/cluster.ts'
import type { ResponseReceiver, UpstreamConnection } from '../upstream/connection.ts'
import type { Outcome } from '../upstream/ejection.ts'
import type { Failure } from '../upstream/failure.ts'
import type { Host } from '../upstream/host.ts'
import type { ConnectionWaiter } from '../upstream/pool.ts'
import type { TryRecord } from './access-log.ts'
import { OutgoingRequest } from './outgoing.ts'
import type { Request } from './request.ts'
import { isIdempotent, isRationed, isRetriable, retryDelayMs, type TryFailure } from './retry.ts'
import type { Client, Runtime, Service } from './runtime.ts'
import { replacePrefix } from './stack.ts'
import { pickWeighted } from './weighted.ts'

/** The client's side of an exchange. */
export interface Downstream {
  readonly wire: Wire
  readonly client: Client
  readonly service: Service<HttpHandler>
  /** Whether the connection serves another request after this one. Looked at when the answer begins. */
  keepAlive: boolean
  /** The exchange has ended, one way or the other. */
  exchangeOver(): void
}

type Forward = Extract<Route['action'], { kind: 'forward' }>

/** One request and its answer: tries, retries, time limits, and what is counted and logged of them. */
export class Exchange implements ResponseReceiver, ConnectionWaiter {
  readonly #request: Request
  readonly #downstream: Downstream
  readonly #runtime: Runtime
  readonly #startedMs: number
  readonly #outgoing = new OutgoingRequest()
  #action: Forward | null = null
  #cluster: Cluster | null = null
  #deadline: Alarm | null = null
  #tryAlarm: Alarm | null = null
  #delay: Timer | null = null

  /** The try under way. */
  #host: Host | null = null
  #connection: UpstreamConnection | null = null
  #tryStartedMs = 0
  #isRationedRetry = false
  #isRedial = false
  #refusedBy: Host | null = null

  readonly #tried: Host[] = []
  readonly #tries: TryRecord[] = []
  #retries = 0
  #isBegun = false
  #status = 0
  #bytes = 0
  #isAnswering = false
  #addsChunks = false
  #isOver = false

  constructor(request: Request, downstream: Downstream, runtime: Runtime) {
    this.#request = request
    this.#downstream = downstream
    this.#runtime = runtime
    this.#startedMs = runtime.clock.monotonic()
  }

  /** Answers by itself. What upstream is at work for it is let go. */
  answer(local: LocalAnswer): void {
    if (this.#isOver) return
    this.#letGo()
    const { wire, service } = this.#downstream
    if (this.#cluster !== null && !this.#outgoing.isComplete) this.#downstream.keepAlive = false
    const answer = service.kind === 'mtls' || local.refused === undefined ? local : { ...local, refused: undefined }
    this.#status = answer.status
    const bytes = composeLocalAnswer(answer, { closes: !this.#downstream.keepAlive, withoutBody: this.#request.method === 'HEAD' })
    this.#bytes = this.#request.method === 'HEAD' ? 0 : Buffer.byteLength(answer.body)
    wire.send(bytes)
    this.#end()
  }

  /** Sends the request on. `bytes` and `head` are valid during the call; the body follows by `onRequestBody`. */
  forward(bytes: Buffer, head: Head): void {
    const { route, requestEdits } = this.#request.route!
    const { action } = route
    if (action.kind !== 'forward') throw new Error('only forward routes are forwarded')
    const name = pickWeighted(action.clusters, this.#runtime.random)
    const cluster = name === null ? undefined : this.#runtime.clusters.get(name)
    if (!cluster) {
      this.answer(unavailable(`no cluster for this route yet${name === null ? '' : ` (${name})`}`, 'no-cluster'))
      return
    }
    if (!cluster.admits()) {
      cluster.countFailure('overflow')
      this.answer(unavailable(`more requests to ${cluster.name} than its limit allows`, 'overflow'))
      return
    }
    this.#action = action
    this.#cluster = cluster
    cluster.active++

    const { slab } = this.#runtime
    slab.clear()
    const { rewrite } = action
    const target = rewrite === null ? this.#request.path : rewritePath(this.#request.path, route, rewrite)
    const host = rewrite?.host ?? this.#request.authority
    composeRequest(
      slab,
      bytes,
      head,
      { target: target + this.#request.query, host: requestEdits.replacesHost ? null : host, edits: requestEdits },
      this.#downstream.client,
    )
    this.#outgoing.add(slab.take())
    if (action.timeoutMs !== null && action.timeoutMs > 0) {
      this.#deadline = new Alarm(() => this.#onDeadline())
      this.#runtime.wheel.set(this.#deadline, action.timeoutMs)
    }
  }

  /** Some of the body, which stays untouched from now on. */
  onRequestBody(part: Buffer): void {
    if (this.#isOver) return
    this.#outgoing.add(part)
  }

  /** What was read so far has been added. */
  onRequestFlush(isComplete: boolean): void {
    if (this.#isOver) return
    this.#outgoing.isComplete = isComplete
    if (this.#connection !== null) this.#send(this.#connection)
    else if (!this.#isBegun) {
      this.#isBegun = true
      this.#try()
    } else if (this.#outgoing.isFull) this.#downstream.wire.hold(HELD_BY_BUFFER)
  }

  /** The client is gone, or no longer makes sense. */
  abort(): void {
    if (this.#isOver) return
    this.#letGo()
    this.#status = 0
    this.#end()
  }

  /** The client's request turned out malformed. */
  refuse(local: LocalAnswer): void {
    if (this.#isOver) return
    if (!this.#isAnswering) {
      this.answer(local)
      return
    }
    this.#letGo()
    this.#cutOff()
  }

  /** The client's connection takes bytes again. */
  onClientDrained(): void {
    this.#connection?.wire.release(HELD_BY_SINK)
  }

  // One try.

  #try(): void {
    const cluster = this.#cluster!
    const host = cluster.choose(this.#tried, this.#isLastTry)
    if (host === null) {
      this.answer(unavailable(`no endpoint of ${cluster.name} is available`, 'no-endpoint'))
      return
    }
    this.#start(host, false)
  }

  #start(host: Host, fresh: boolean): void {
    this.#host = host
    host.active++
    this.#tryStartedMs = this.#runtime.clock.monotonic()
    this.#outgoing.rewind()
    const perTryMs = this.#action!.retry?.perTryTimeoutMs ?? null
    if (perTryMs !== null && perTryMs > 0) {
      this.#tryAlarm ??= new Alarm(() => this.#onTryTimeout())
      this.#runtime.wheel.set(this.#tryAlarm, perTryMs)
    }
    // Behind a zone's gateway another connection may lead to another instance.
    host.pool.acquire(this, fresh || host === this.#refusedBy)
    if (this.#connection === null && this.#host !== null && this.#outgoing.isFull) this.#downstream.wire.hold(HELD_BY_BUFFER)
  }

  onConnection(connection: UpstreamConnection): void {
    this.#connection = connection
    connection.begin(this, this.#request.method === 'HEAD')
    this.#send(connection)
  }

  #send(connection: UpstreamConnection): void {
    const taken = this.#outgoing.sendOn(connection)
    const { wire } = this.#downstream
    if (taken) wire.release(HELD_BY_BUFFER | HELD_BY_SINK)
    else wire.hold(HELD_BY_SINK)
  }

  onSinkDrained(): void {
    this.#downstream.wire.release(HELD_BY_BUFFER | HELD_BY_SINK)
  }

  onNoConnection(failure: Failure, error: Error | null): void {
    const host = this.#host!
    const cluster = this.#cluster!
    if (failure === 'connect') {
      cluster.report(host, 'local', this.#tryStartedMs)
      // An inbound listener's plain cluster is the application beside us.
      if (cluster.table.tls === null && this.#downstream.service.kind === 'mtls') this.#runtime.onLocalFailure(cluster.name)
    }
    const reason = failure === 'overflow' ? 'limits' : describe(error)
    this.#endTry(failure === 'overflow' ? 'overflow' : reason)
    cluster.countFailure(failure)
    if (this.#retryAfter(failure, host)) return
    const wasHandedOver = this.#outgoing.everSent
    const place = `${host.config.name || host.address} (${host.address}:${host.port})`
    const body =
      failure === 'overflow' ? `more requests wait for ${cluster.name} than its limit allows` : `no connection to ${place}: ${reason}`
    this.answer(unavailable(body, wasHandedOver ? undefined : failure))
  }

  onHead(bytes: Buffer, head: Head): void {
    const { slab } = this.#runtime
    if (head.status < 200) {
      // HTTP/1.0 has no interim answers.
      if (this.#request.minor === 0) return
      composeResponse(slab, bytes, head, { edits: noEdits, closes: false, addsChunks: false })
      this.#downstream.wire.sendSlab(slab)
      return
    }
    const [cluster, host, connection] = [this.#cluster!, this.#host!, this.#connection!]
    if (this.#tryAlarm !== null) this.#runtime.wheel.clear(this.#tryAlarm)
    // Only a proxy's word counts: an application may send any header it likes.
    const isRefused = head.refusedField >= 0 && head.status === 503 && cluster.table.tls !== null
    cluster.report(host, isRefused ? 'local' : outcomeOf(head.status), this.#tryStartedMs)
    if (isRefused) {
      cluster.countFailure('refused')
      connection.isSpent = true
    }
    const failure: TryFailure = isRefused ? 'refused' : head.status
    if ((isRefused || head.status >= 400) && this.#mayRetry(failure)) {
      this.#endTry(String(failure))
      connection.abandon()
      this.#retryAfter(failure, host)
      return
    }
    const { framing } = connection
    if (this.#request.minor === 0 && framing === 'chunked') {
      this.#endTry('chunked answer to an HTTP/1.0 request')
      connection.abandon()
      this.answer({ status: 502, body: 'the upstream answered in chunks, which this HTTP/1.0 client cannot read' })
      return
    }
    this.#isAnswering = true
    this.#status = head.status
    this.#addsChunks = framing === 'close' && this.#request.minor === 1
    if (framing === 'close' && !this.#addsChunks) this.#downstream.keepAlive = false
    this.#outgoing.letGo()
    composeResponse(slab, bytes, head, {
      edits: this.#request.route!.responseEdits,
      closes: !this.#downstream.keepAlive,
      addsChunks: this.#addsChunks,
    })
  }

  onBody(bytes: Buffer, from: number, to: number): void {
    const { slab } = this.#runtime
    this.#bytes += to - from
    if (this.#addsChunks) slab.putText(`${(to - from).toString(16)}\r\n`)
    slab.put(bytes, from, to)
    if (this.#addsChunks) slab.putText('\r\n')
  }

  onFlush(): void {
    if (!this.#downstream.wire.sendSlab(this.#runtime.slab)) this.#connection?.wire.hold(HELD_BY_SINK)
  }

  onComplete(): void {
    if (this.#addsChunks) this.#downstream.wire.send(lastChunk)
    this.#connection = null
    this.#endTry(String(this.#status))
    this.#end()
  }

  onBroken(answered: boolean, error: Error | null): void {
    const [cluster, host, connection] = [this.#cluster!, this.#host!, this.#connection!]
    this.#connection = null
    if (this.#isAnswering) {
      // Too late for another status: the client must see that the answer is not whole.
      cluster.report(host, 'local', this.#tryStartedMs)
      cluster.countFailure('reset')
      this.#endTry(`cut off: ${describe(error)}`)
      this.#cutOff()
      return
    }
    const isStale = !answered && connection.isReused
    if (isStale && !this.#isRedial && this.#outgoing.canReplay && isIdempotent(this.#request.method)) {
      // It was closed while it rested and we met the close on its way: no failure of the host's.
      this.#isRedial = true
      this.#endTry('stale connection')
      this.#start(host, true)
      return
    }
    cluster.report(host, 'local', this.#tryStartedMs)
    cluster.countFailure('reset')
    this.#endTry(answered && error !== null ? error.message : describe(error))
    if (this.#retryAfter('reset', host)) return
    this.answer({ status: 502, body: `${host.config.name || host.address} closed the connection before it answered` })
  }

  // Retry and time limits.

  /** Another try instead of giving up. */
  #retryAfter(failure: TryFailure, host: Host): boolean {
    if (this.#isOver || !this.#mayRetry(failure)) return false
    const [cluster, rule] = [this.#cluster!, this.#action!.retry!]
    this.#retries++
    cluster.stats.retries++
    if (isRationed(failure)) {
      this.#isRationedRetry = true
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
    return this.#retries >= (this.#action!.retry?.attempts ?? 0)
  }

  #tryNow(): void {
    this.#delay = null
    try {
      this.#try()
    } catch (error) {
      this.#runtime.faults(error)
      this.#downstream.wire.destroy()
    }
  }

  #mayRetry(failure: TryFailure): boolean {
    const rule = this.#action!.retry
    return (
      rule !== null &&
      this.#retries < rule.attempts &&
      isRetriable(rule, failure) &&
      this.#outgoing.canReplay &&
      (!isRationed(failure) || this.#cluster!.admitsRetry())
    )
  }

  #onTryTimeout(): void {
    const [cluster, host] = [this.#cluster!, this.#host]
    if (host === null || this.#isAnswering) return
    const failure: Failure = this.#connection === null ? 'connect' : 'timeout'
    this.#dropTry()
    cluster.report(host, 'local', this.#tryStartedMs)
    cluster.countFailure(failure)
    this.#endTry('timeout')
    if (this.#retryAfter(failure, host)) return
    this.answer({ status: 504, body: `${host.config.name || host.address} did not answer in time` })
  }

  #onDeadline(): void {
    const [cluster, host] = [this.#cluster!, this.#host]
    if (this.#connection !== null) cluster.report(host!, 'local', this.#tryStartedMs)
    cluster.countFailure('timeout')
    if (host !== null) {
      this.#dropTry()
      this.#endTry('timeout')
    }
    if (this.#isAnswering) this.#cutOff()
    else this.answer({ status: 504, body: `no answer of ${cluster.name} within ${this.#action!.timeoutMs} ms` })
  }

  // Ends.

  /** Lets go of the connection, or of the wait for one. */
  #dropTry(): void {
    const connection = this.#connection
    this.#connection = null
    if (connection !== null) connection.abandon()
    else this.#host?.pool.cancel(this)
  }

  #endTry(outcome: string): void {
    const host = this.#host
    if (host === null) return
    this.#host = null
    this.#connection = null
    host.active--
    if (this.#tryAlarm !== null) this.#runtime.wheel.clear(this.#tryAlarm)
    if (this.#isRationedRetry) {
      this.#isRationedRetry = false
      this.#cluster!.retrying--
    }
    this.#tries.push({ host: host.config.name || host.key, zone: host.config.zone, outcome })
  }

  #letGo(): void {
    this.#delay?.cancel()
    this.#delay = null
    if (this.#host === null) return
    this.#dropTry()
    this.#endTry('given up')
  }

  #cutOff(): void {
    this.#status = 0
    this.#downstream.keepAlive = false
    this.#downstream.wire.destroy()
    this.#end()
  }

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    const { wheel, accessLog, clock } = this.#runtime
    if (this.#deadline !== null) wheel.clear(this.#deadline)
    const { service, wire, client } = this.#downstream
    const statusClass = Math.min(5, Math.floor(this.#status / 100))
    service.stats.classes[statusClass]!++
    const cluster = this.#cluster
    if (cluster !== null) {
      cluster.active--
      cluster.stats.classes[statusClass]!++
    }
    if (accessLog !== null) {
      const { method, host, path, route } = this.#request
      const durationMs = clock.monotonic() - this.#startedMs
      accessLog({
        timeMs: clock.now() - durationMs,
        listener: service.name,
        peer: client.peer ?? client.address,
        method,
        host,
        path,
        status: this.#status,
        bytes: this.#bytes,
        durationMs,
        route: route?.route.name ?? '',
        cluster: cluster?.name ?? '',
        tries: this.#tries,
      })
    }
    wire.release(HELD_BY_BUFFER | HELD_BY_SINK)
    this.#downstream.exchangeOver()
  }
}

const lastChunk = Buffer.from('0\r\n\r\n')

function outcomeOf(status: number): Outcome {
  if (status < 500) return 'success'
  return status >= 502 && status <= 504 ? 'gateway' : 'server'
}

function unavailable(body: string, refused: string | undefined): LocalAnswer {
  return refused === undefined ? { status: 503, body } : { status: 503, body, refused }
}

function describe(error: Error | null): string {
  if (error === null) return 'connection closed'
  const { code } = error as NodeJS.ErrnoException
  return code?.startsWith('E') ? code : error.message
}

function rewritePath(path: string, route: Route, rewrite: NonNullable<Forward['rewrite']>): string {
  if (rewrite.fullPath !== undefined) return rewrite.fullPath
  if (rewrite.prefix === undefined || route.path.kind !== 'prefix') return path
  return replacePrefix(path, route.path.value, rewrite.prefix)
}
