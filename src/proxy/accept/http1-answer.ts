import { composeResponse } from '../codec/compose-response.ts'
import { noEdits } from '../codec/edits.ts'
import type { Head } from '../codec/head.ts'
import { composeLocalAnswer, type LocalAnswer } from '../codec/local-answer.ts'
import type { AnswerWriter } from '../stack/downstream.ts'
import type { Request } from '../stack/request.ts'
import type { Slab } from '../transport/slab.ts'
import type { Wire } from '../transport/wire.ts'
import type { Framing } from '../upstream/channel.ts'

/** The connection whose answers these are. */
export interface Http1Connection {
  readonly wire: Wire
  /** Whether it serves another request after this one. Looked at when the answer begins. */
  keepAlive: boolean
}

const lastChunk = Buffer.from('0\r\n\r\n')

/** Answers as HTTP/1.1 writes them, composed in the slab and sent with one write. */
export class Http1Answer implements AnswerWriter {
  readonly bodyForm = 'http1'
  readonly #connection: Http1Connection
  readonly #slab: Slab
  #addsChunks = false

  constructor(connection: Http1Connection, slab: Slab) {
    this.#connection = connection
    this.#slab = slab
  }

  hold(reason: number): void {
    this.#connection.wire.hold(reason)
  }

  release(reason: number): void {
    this.#connection.wire.release(reason)
  }

  local(answer: LocalAnswer, request: Request, isRead: boolean): number {
    if (!isRead) this.#connection.keepAlive = false
    const withoutBody = request.method === 'HEAD'
    this.#connection.wire.send(composeLocalAnswer(answer, { closes: !this.#connection.keepAlive, withoutBody }))
    return withoutBody ? 0 : Buffer.byteLength(answer.body)
  }

  interim(bytes: Buffer, head: Head): void {
    composeResponse(this.#slab, bytes, head, { edits: noEdits, closes: false, addsChunks: false })
    this.#connection.wire.sendSlab(this.#slab)
  }

  begin(bytes: Buffer, head: Head, framing: Framing, request: Request): void {
    this.#addsChunks = framing === 'close' && request.minor === 1
    if (framing === 'close' && !this.#addsChunks) this.#connection.keepAlive = false
    composeResponse(this.#slab, bytes, head, {
      edits: request.route!.responseEdits,
      closes: !this.#connection.keepAlive,
      addsChunks: this.#addsChunks,
      // Only HTTP/2 can end a response with its head.
      addsLength: framing === 'none' && head.contentLength < 0 && request.method !== 'HEAD' && head.status !== 204 && head.status !== 304,
    })
  }

  body(bytes: Buffer, from: number, to: number): void {
    const slab = this.#slab
    if (this.#addsChunks) slab.putText(`${(to - from).toString(16)}\r\n`)
    slab.put(bytes, from, to)
    if (this.#addsChunks) slab.putText('\r\n')
  }

  flush(): boolean {
    return this.#connection.wire.sendSlab(this.#slab)
  }

  /** Trailers do not travel on in HTTP/1.1. */
  end(): void {
    if (this.#addsChunks) this.#connection.wire.send(lastChunk)
    this.#addsChunks = false
  }

  cutOff(): void {
    this.#connection.keepAlive = false
    this.destroy()
  }

  destroy(): void {
    this.#connection.wire.destroy()
  }
}
