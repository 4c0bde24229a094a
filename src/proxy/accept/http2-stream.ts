import { constants, type ServerHttp2Stream } from 'node:http2'
import { Head } from '../codec/head.ts'
import { requestHead1 } from '../codec/http2-head.ts'
import { parseRequest } from '../codec/parse-head.ts'
import type { HttpHandler } from '../compile/table.ts'
import type { Downstream } from '../stack/downstream.ts'
import { Exchange } from '../stack/exchange.ts'
import { grpcTimeoutMs } from '../stack/grpc.ts'
import type { HostVerdict } from '../stack/hosts-wanted.ts'
import type { PermissionCheck } from '../stack/permissions.ts'
import { Request, readRequest } from '../stack/request.ts'
import type { Client, Runtime, Service } from '../stack/runtime.ts'
import { runStack } from '../stack/stack.ts'
import type { Trailers } from '../upstream/channel.ts'
import { Http2Answer } from './http2-answer.ts'
import { unknownHost } from './unknown-host.ts'

const head = new Head()

/** What the streams of a connection share. */
export interface StreamContext {
  readonly client: Client
  readonly service: Service<HttpHandler>
  readonly permissions: PermissionCheck
  readonly runtime: Runtime
  readonly onOver: (stream: Http2Stream) => void
}

/** One request of an HTTP/2 connection, and its answer. */
export class Http2Stream implements Downstream {
  readonly client: Client
  readonly service: Service<HttpHandler>
  readonly out: Http2Answer
  readonly #stream: ServerHttp2Stream
  readonly #context: StreamContext
  readonly #isLast: boolean
  #exchange: Exchange | null = null
  #stopWaiting: (() => void) | null = null
  #trailers: Trailers | null = null
  #isOver = false

  constructor(stream: ServerHttp2Stream, isLast: boolean, context: StreamContext) {
    this.client = context.client
    this.service = context.service
    this.out = new Http2Answer(stream, context.runtime.slab)
    this.#stream = stream
    this.#context = context
    this.#isLast = isLast
    this.out.isRequestRead = isLast
    stream.on('error', () => {})
    stream.once('close', () => this.#guard(() => this.#onClose()))
    stream.on('trailers', (_headers: object, _flags: number, raw: string[]) => {
      this.#trailers = raw
    })
  }

  /** Reads the head and begins. */
  begin(raw: readonly string[]): void {
    this.#guard(() => {
      const head1 = requestHead1(raw, this.#isLast)
      if (head1.kind === 'bad') {
        this.#refuse(400, head1.reason)
        return
      }
      this.#read(head1, null)
    })
  }

  #read(head1: Extract<ReturnType<typeof requestHead1>, { kind: 'ok' }>, verdict: HostVerdict | null): void {
    const { bytes, isGrpc, grpcTimeout } = head1
    const { service, permissions, runtime } = this.#context
    head.keepsUnderscores = isGrpc
    const end = parseRequest(bytes, 0, bytes.length, head)
    if (end !== bytes.length) {
      this.#refuse(end < 0 ? -end : 400, end === -431 ? 'the request head is too large: at most 32 KB and 100 fields' : 'malformed request')
      return
    }
    const request = readRequest(bytes, head)
    if (typeof request === 'string') {
      this.#refuse(400, request)
      return
    }
    request.isGrpc = isGrpc
    request.grpcTimeoutMs = isGrpc && grpcTimeout !== null ? grpcTimeoutMs(grpcTimeout) : null
    const decision = runStack({ request, bytes, head, service, permissions, runtime, hasWaited: verdict !== null })
    if (decision?.kind === 'wait') {
      this.#waitFor(decision.host, known => this.#read(head1, known))
      return
    }
    const exchange = new Exchange(request, this, runtime)
    this.#exchange = exchange
    if (decision !== null) {
      exchange.answer(verdict === null || verdict === 'known' ? decision.answer : unknownHost(request.host, verdict))
      return
    }
    exchange.forward(bytes, head)
    exchange.onRequestFlush(this.#isLast)
    if (!this.#isLast && !this.#isOver) this.#readBody(exchange)
  }

  #readBody(exchange: Exchange): void {
    const stream = this.#stream
    stream.on('data', (part: Buffer) =>
      this.#guard(() => {
        exchange.onRequestBody(part)
        exchange.onRequestFlush(false)
      }),
    )
    stream.on('end', () =>
      this.#guard(() => {
        // A reset ends it too.
        if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) return
        this.out.isRequestRead = true
        exchange.onRequestFlush(true, this.#trailers)
      }),
    )
    stream.on('drain', () => this.#guard(() => exchange.onClientDrained()))
  }

  #waitFor(host: string, then: (verdict: HostVerdict) => void): void {
    const { runtime, service } = this.#context
    // Not from within the reading that brought us here.
    this.#stopWaiting = runtime.hostsWanted.wait(service.handler.routes.name, host, verdict =>
      queueMicrotask(() => {
        this.#stopWaiting = null
        if (!this.#isOver) this.#guard(() => then(verdict))
      }),
    )
  }

  /** Nobody can tell what it asks for. */
  #refuse(status: number, body: string): void {
    const nothing = new Request({ method: '', path: '', query: '', host: '', authority: null, minor: 1 })
    this.#exchange = new Exchange(nothing, this, this.#context.runtime)
    this.#exchange.answer({ status, body })
  }

  exchangeOver(): void {
    this.#over()
  }

  #onClose(): void {
    this.#stopWaiting?.()
    this.#stopWaiting = null
    this.#exchange?.abort()
    this.#over()
  }

  #over(): void {
    if (this.#isOver) return
    this.#isOver = true
    // What still comes of the request is let pass by, not kept.
    if (!this.#stream.destroyed) this.#stream.resume()
    this.#context.onOver(this)
  }

  #guard(action: () => void): void {
    try {
      action()
    } catch (error) {
      this.#context.runtime.faults(error)
      this.#stream.session?.destroy()
    }
  }
}
