import { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2'
import { Head } from '../codec/head.ts'
import { requestHeaders2, responseHead1, trailers2 } from '../codec/http2-head.ts'
import { parseResponse } from '../codec/parse-head.ts'
import { type Channel, type Framing, type ResponseReceiver, StreamResetError, type Trailers } from './channel.ts'

const head = new Head()

/** The connection that a stream is of. */
export interface StreamKeeper {
  readonly session: ClientHttp2Session
  readonly scheme: 'http' | 'https'
  /** Gone as a whole, and why; undefined: it stands. */
  readonly lost: Error | null | undefined
  /** Takes no new streams: by the peer's word, or by ours. */
  readonly isLeaving: boolean
  /** Runs what the peer's frames lead to; a defect of ours ends this connection alone. */
  guard(action: () => void): void
  leave(): void
  onStreamOver(): void
}

/** One request and its response on a connection of HTTP/2. */
export class UpstreamStream implements Channel {
  readonly isReused: boolean
  framing: Framing = 'close'
  readonly #keeper: StreamKeeper
  #stream: ClientHttp2Stream | null = null
  #receiver: ResponseReceiver | null = null
  #answered = false
  #isRequestSent = false
  #isOver = false
  #requestTrailers: Trailers | null = null
  #trailers: Trailers | null = null

  constructor(keeper: StreamKeeper, isReused: boolean) {
    this.#keeper = keeper
    this.isReused = isReused
  }

  begin(receiver: ResponseReceiver): void {
    this.#receiver = receiver
  }

  sendHead(bytes: Buffer, isLast: boolean): boolean {
    this.#isRequestSent = isLast
    try {
      const headers = requestHeaders2(bytes, this.#keeper.scheme)
      this.#stream = this.#keeper.session.request(headers, { endStream: isLast, waitForTrailers: !isLast })
    } catch (error) {
      // Not from within the call that began it.
      queueMicrotask(() => this.#keeper.guard(() => this.#break(error as Error)))
      return true
    }
    this.#listen(this.#stream)
    return true
  }

  #listen(stream: ClientHttp2Stream): void {
    const { guard } = this.#keeper
    stream.on('error', () => {})
    stream.on('headers', (_headers: object, _flags: number, raw: string[]) => guard(() => this.#onHead(raw, 0)))
    stream.on('response', (_headers: object, flags: number, raw: string[]) => guard(() => this.#onHead(raw, flags)))
    stream.on('trailers', (_headers: object, _flags: number, raw: string[]) => {
      this.#trailers = raw
    })
    stream.on('data', (bytes: Buffer) => guard(() => this.#onData(bytes)))
    stream.on('end', () => guard(() => this.#onEnd(stream)))
    stream.on('drain', () => guard(() => this.#receiver?.onSinkDrained()))
    stream.on('wantTrailers', () => guard(() => this.#sendTrailers(stream)))
    stream.once('close', () => guard(() => this.#onClose(stream)))
  }

  #sendTrailers(stream: ClientHttp2Stream): void {
    // Node ends a stream that it is about to reset. A request that was given up must not look whole.
    if (this.#isRequestSent) stream.sendTrailers(this.#requestTrailers === null ? {} : trailers2(this.#requestTrailers))
  }

  send(part: Buffer): boolean {
    const stream = this.#stream
    return stream === null || stream.destroyed || stream.closed || stream.writableEnded ? true : stream.write(part)
  }

  finishRequest(trailers: Trailers | null): void {
    if (this.#isRequestSent) return
    this.#isRequestSent = true
    this.#requestTrailers = trailers
    const stream = this.#stream
    if (stream !== null && !stream.destroyed && !stream.closed && !stream.writableEnded) stream.end()
  }

  hold(): void {
    this.#stream?.pause()
  }

  release(): void {
    if (this.#stream?.isPaused()) this.#stream.resume()
  }

  spend(): void {
    this.#keeper.leave()
  }

  abandon(): void {
    this.#receiver = null
    if (this.#stream === null) this.#over()
    else this.#stream.close(constants.NGHTTP2_CANCEL)
  }

  #onHead(raw: readonly string[], flags: number): void {
    const receiver = this.#receiver
    if (receiver === null) return
    this.#answered = true
    const bytes = responseHead1(raw)
    if (bytes === null || parseResponse(bytes, 0, bytes.length, head) !== bytes.length) {
      this.#break(new Error('the upstream sent a malformed head'))
      return
    }
    if (head.status >= 200) {
      const isLast = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
      this.framing = isLast ? 'none' : head.contentLength >= 0 ? 'length' : 'close'
    }
    receiver.onHead(bytes, head)
    if (this.#receiver === receiver) receiver.onFlush()
  }

  #onData(bytes: Buffer): void {
    this.#receiver?.onBody(bytes, 0, bytes.length)
    this.#receiver?.onFlush()
  }

  #onEnd(stream: ClientHttp2Stream): void {
    // A stream that is reset, or lost with its connection, ends too.
    if (stream.rstCode !== constants.NGHTTP2_NO_ERROR || this.#keeper.lost !== undefined || !this.#answered) return
    const receiver = this.#receiver
    this.#receiver = null
    // An answer that came before all of the request: the rest is of no use to anybody.
    if (!this.#isRequestSent) stream.close(constants.NGHTTP2_NO_ERROR)
    receiver?.onComplete(this.#trailers)
  }

  #onClose(stream: ClientHttp2Stream): void {
    const { lost, isLeaving } = this.#keeper
    const code = stream.rstCode ?? constants.NGHTTP2_NO_ERROR
    if (lost !== undefined) this.#break(lost)
    else this.#break(new StreamResetError(code, !this.#answered && code === constants.NGHTTP2_REFUSED_STREAM, isLeaving))
    this.#over()
  }

  /** Nothing more comes of it. */
  #break(error: Error | null): void {
    const receiver = this.#receiver
    this.#receiver = null
    if (this.#stream !== null && !this.#stream.destroyed && !this.#stream.closed) this.#stream.close(constants.NGHTTP2_PROTOCOL_ERROR)
    if (this.#stream === null) this.#over()
    receiver?.onBroken(this.#answered, error)
  }

  #over(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#keeper.onStreamOver()
  }
}
