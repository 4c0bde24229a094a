import { composeRequest } from '../codec/compose-request.ts'
import type { Head } from '../codec/head.ts'
import type { LocalAnswer } from '../codec/local-answer.ts'
import type { Route } from '../compile/table.ts'
import { Alarm } from '../transport/wheel.ts'
import { HELD_BY_BUFFER, HELD_BY_SINK } from '../transport/wire.ts'
import type { Framing, Trailers } from '../upstream/channel.ts'
import type { TryRecord } from './access-log.ts'
import type { Downstream } from './downstream.ts'
import { formatGrpcTimeout } from './grpc.ts'
import type { Request } from './request.ts'
import type { Runtime } from './runtime.ts'
import { replacePrefix } from './stack.ts'
import { type Forward, RESET, Tries, type TriesOwner, unavailable } from './tries.ts'
import { pickWeighted } from './weighted.ts'

const noTries: readonly TryRecord[] = []

/** One request and its answer: where it goes, the time for all of it, and what is counted and logged of it. */
export class Exchange implements TriesOwner {
  readonly #request: Request
  readonly #downstream: Downstream
  readonly #runtime: Runtime
  readonly #startedMs: number
  #action: Forward | null = null
  #tries: Tries | null = null
  #deadline: Alarm | null = null
  /** What `#deadline` is set to, from when on the clock for it runs. */
  #timeoutMs = 0
  #status = 0
  #bytes = 0
  #isAnswering = false
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
    const tries = this.#tries
    tries?.letGo()
    const { out, service } = this.#downstream
    const answer = service.kind === 'mtls' || local.refused === undefined ? local : { ...local, refused: undefined }
    this.#status = answer.status
    this.#bytes = out.local(answer, this.#request, tries === null || tries.outgoing.isComplete)
    this.#end()
  }

  /** Sends the request on. `bytes` and `head` are valid during the call; the body follows by `onRequestBody`. */
  forward(bytes: Buffer, head: Head): void {
    const { route } = this.#request.route!
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
    cluster.active++
    const tries = new Tries({
      cluster,
      action,
      request: this.#request,
      downstream: this.#downstream,
      runtime: this.#runtime,
      owner: this,
    })
    this.#tries = tries
    tries.outgoing.addHead(this.#composeHead(bytes, head, route, action))
    if (head.chunked) {
      const isRaw = this.#downstream.out.bodyForm === 'raw'
      if (isRaw !== cluster.table.http2) tries.outgoing.reframe(isRaw ? 'chunk' : 'dechunk')
    }
    this.#startClock(action)
  }

  #composeHead(bytes: Buffer, head: Head, route: Route, action: Forward): Buffer {
    const { requestEdits } = this.#request.route!
    const { slab } = this.#runtime
    slab.clear()
    const { rewrite } = action
    const target = rewrite === null ? this.#request.path : rewritePath(this.#request.path, route, rewrite)
    const host = rewrite?.host ?? this.#request.authority
    const { grpcTimeoutMs } = this.#request
    const isLowered = grpcTimeoutMs !== null && action.timeoutMs !== null && action.timeoutMs > 0 && action.timeoutMs < grpcTimeoutMs
    composeRequest(
      slab,
      bytes,
      head,
      {
        target: target + this.#request.query,
        host: requestEdits.replacesHost ? null : host,
        edits: requestEdits,
        ...(isLowered ? { grpcTimeout: formatGrpcTimeout(action.timeoutMs) } : {}),
      },
      this.#downstream.client,
    )
    return slab.take()
  }

  /** A caller's own deadline counts from its first byte; ours, for a call that may stream, from its last. */
  #startClock({ timeoutMs }: Forward): void {
    const { isGrpc, grpcTimeoutMs } = this.#request
    const ours = timeoutMs !== null && timeoutMs > 0 ? timeoutMs : null
    const first = isGrpc ? grpcTimeoutMs : ours
    if (first !== null) this.#limit(first)
  }

  #limit(ms: number): void {
    this.#timeoutMs = ms
    this.#deadline ??= new Alarm(() => this.#onDeadline())
    this.#runtime.wheel.set(this.#deadline, ms)
  }

  /** Some of the body, which stays untouched from now on. */
  onRequestBody(part: Buffer): void {
    if (!this.#isOver) this.#tries?.outgoing.add(part)
  }

  /** What was read so far has been added. */
  onRequestFlush(isComplete: boolean, trailers: Trailers | null = null): void {
    if (this.#isOver || this.#tries === null) return
    if (isComplete) {
      this.#tries.outgoing.complete(trailers)
      this.#limitAfterRequest()
    }
    this.#tries.flush()
  }

  #limitAfterRequest(): void {
    const timeoutMs = this.#action!.timeoutMs ?? 0
    if (!this.#request.isGrpc || timeoutMs <= 0) return
    const elapsedMs = this.#runtime.clock.monotonic() - this.#startedMs
    if (this.#deadline === null || timeoutMs < this.#timeoutMs - elapsedMs) this.#limit(timeoutMs)
  }

  /** The client is gone, or no longer makes sense. */
  abort(): void {
    if (this.#isOver) return
    this.#tries?.letGo()
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
    this.#tries?.letGo()
    this.onCutOff(RESET.protocolError)
  }

  /** The client's connection takes bytes again. */
  onClientDrained(): void {
    this.#tries?.onClientDrained()
  }

  onInterim(bytes: Buffer, head: Head): void {
    // HTTP/1.0 has no interim answers.
    if (this.#request.minor !== 0) this.#downstream.out.interim(bytes, head)
  }

  onAnswer(bytes: Buffer, head: Head, framing: Framing): void {
    this.#isAnswering = true
    this.#status = head.status
    this.#downstream.out.begin(bytes, head, framing, this.#request)
  }

  onAnswerBody(bytes: Buffer, from: number, to: number): void {
    this.#bytes += to - from
    this.#downstream.out.body(bytes, from, to)
  }

  onAnswerFlush(): boolean {
    return this.#downstream.out.flush()
  }

  onAnswered(trailers: Trailers | null): void {
    this.#downstream.out.end(trailers)
    this.#end()
  }

  onCutOff(code: number): void {
    this.#status = 0
    this.#downstream.out.cutOff(code)
    this.#end()
  }

  #onDeadline(): void {
    const tries = this.#tries!
    tries.timeOut()
    if (this.#isAnswering) this.onCutOff(RESET.cancel)
    else this.answer({ status: 504, body: `no answer of ${tries.cluster.name} within ${this.#timeoutMs} ms` })
  }

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    const { wheel, accessLog, clock } = this.#runtime
    if (this.#deadline !== null) wheel.clear(this.#deadline)
    const { service, out, client } = this.#downstream
    const statusClass = Math.min(5, Math.floor(this.#status / 100))
    service.stats.classes[statusClass]!++
    const cluster = this.#tries?.cluster ?? null
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
        tries: this.#tries?.records ?? noTries,
      })
    }
    out.release(HELD_BY_BUFFER | HELD_BY_SINK)
    this.#downstream.exchangeOver()
  }
}

function rewritePath(path: string, route: Route, rewrite: NonNullable<Forward['rewrite']>): string {
  if (rewrite.fullPath !== undefined) return rewrite.fullPath
  if (rewrite.prefix === undefined || route.path.kind !== 'prefix') return path
  return replacePrefix(path, route.path.value, rewrite.prefix)
}
