import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { composeResponse } from '../codec/compose-response.ts'
import { Dechunk } from '../codec/dechunk.ts'
import { noEdits } from '../codec/edits.ts'
import type { Head } from '../codec/head.ts'
import { responseHeaders2, trailers2 } from '../codec/http2-head.ts'
import type { LocalAnswer } from '../codec/local-answer.ts'
import type { AnswerWriter } from '../stack/downstream.ts'
import { grpcMessage, grpcStatusOf } from '../stack/grpc.ts'
import type { Request } from '../stack/request.ts'
import type { Slab } from '../transport/slab.ts'
import type { Framing, Trailers } from '../upstream/channel.ts'

/** One answer on a stream of HTTP/2. */
export class Http2Answer implements AnswerWriter {
  readonly bodyForm = 'raw'
  readonly #stream: ServerHttp2Stream
  readonly #slab: Slab
  #holds = 0
  #dechunk: Dechunk | null = null
  #parts: Buffer[] = []
  #trailers: Trailers | null = null
  #isCut = false
  /** All of the request has come. */
  isRequestRead = false

  constructor(stream: ServerHttp2Stream, slab: Slab) {
    this.#stream = stream
    this.#slab = slab
    stream.on('wantTrailers', () => {
      // Node ends a stream that it is about to reset. What is cut off must not look whole.
      if (this.#isCut) return
      stream.sendTrailers(this.#trailers === null ? {} : trailers2(this.#trailers))
      this.#stopRequest()
    })
  }

  hold(reason: number): void {
    if (this.#holds === 0) this.#stream.pause()
    this.#holds |= reason
  }

  release(reason: number): void {
    if (this.#holds === 0) return
    this.#holds &= ~reason
    if (this.#holds === 0 && !this.#stream.destroyed) this.#stream.resume()
  }

  local(answer: LocalAnswer, request: Request): number {
    const refused = answer.refused === undefined ? {} : { 'x-skerry-refused': answer.refused }
    if (request.isGrpc) {
      const status = String(grpcStatusOf(answer.status))
      const message = grpcMessage(Buffer.from(answer.body as string).toString())
      const headers = { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': status, 'grpc-message': message, ...refused }
      this.#respond(headers, true)
      return 0
    }
    const body = Buffer.from(answer.body as string)
    const isBodiless = answer.status === 204 || answer.status === 304
    const headers = {
      ':status': answer.status,
      ...(isBodiless ? {} : { 'content-length': body.length }),
      ...(body.length === 0 || isBodiless ? {} : { 'content-type': 'text/plain; charset=utf-8' }),
      ...(answer.location === undefined ? {} : { location: answer.location }),
      ...refused,
    }
    const isWhole = body.length === 0 || isBodiless || request.method === 'HEAD'
    this.#respond(headers, isWhole)
    if (!isWhole && this.#isOpen) this.#stream.end(body)
    return isWhole ? 0 : body.length
  }

  interim(bytes: Buffer, head: Head): void {
    composeResponse(this.#slab, bytes, head, { edits: noEdits, closes: false, addsChunks: false })
    const headers = responseHeaders2(this.#slab.take())
    if (this.#isOpen && !this.#stream.headersSent) this.#stream.additionalHeaders(headers)
  }

  begin(bytes: Buffer, head: Head, framing: Framing, request: Request): void {
    composeResponse(this.#slab, bytes, head, { edits: request.route!.responseEdits, closes: false, addsChunks: false })
    if (framing === 'chunked') this.#dechunk = new Dechunk()
    this.#respond(responseHeaders2(this.#slab.take()), framing === 'none')
  }

  #respond(headers: OutgoingHttpHeaders, isLast: boolean): void {
    if (!this.#isOpen) return
    this.#stream.respond(headers, { endStream: isLast, waitForTrailers: !isLast, sendDate: false } as never)
    if (isLast) this.#stopRequest()
  }

  body(bytes: Buffer, from: number, to: number): void {
    // What is given is only lent.
    const keep = (start: number, end: number) => void this.#parts.push(Buffer.from(bytes.subarray(start, end)))
    if (this.#dechunk === null) keep(from, to)
    else this.#dechunk.follow(bytes, from, to, keep)
  }

  flush(): boolean {
    if (this.#parts.length === 0) return true
    const bytes = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts)
    this.#parts = []
    return this.#isOpen && !this.#stream.writableEnded ? this.#stream.write(bytes) : true
  }

  end(trailers: Trailers | null): void {
    this.#trailers = trailers
    if (this.#isOpen && !this.#stream.writableEnded) this.#stream.end()
  }

  cutOff(code: number): void {
    this.#isCut = true
    if (this.#isOpen) this.#stream.close(code === constants.NGHTTP2_NO_ERROR ? constants.NGHTTP2_INTERNAL_ERROR : code)
  }

  destroy(): void {
    this.#stream.session?.destroy()
  }

  get #isOpen(): boolean {
    return !this.#stream.destroyed && !this.#stream.closed
  }

  /** Answered before all of the request came: the rest of it is of no use. https://www.rfc-editor.org/rfc/rfc9113#section-8.1 */
  #stopRequest(): void {
    if (this.isRequestRead) return
    setImmediate(() => {
      if (this.#isOpen && !this.isRequestRead) this.#stream.close(constants.NGHTTP2_NO_ERROR)
    })
  }
}
