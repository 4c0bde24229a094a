import type { Head } from '../codec/head.ts'
import type { LocalAnswer } from '../codec/local-answer.ts'
import type { HttpHandler } from '../compile/table.ts'
import type { Framing, Trailers } from '../upstream/channel.ts'
import type { Request } from './request.ts'
import type { Client, Service } from './runtime.ts'

/** The client's side of an exchange. */
export interface Downstream {
  readonly client: Client
  readonly service: Service<HttpHandler>
  readonly out: AnswerWriter
  /** The exchange has ended, one way or the other. */
  exchangeOver(): void
}

/** How an answer reaches a client, in the client's version of HTTP. */
export interface AnswerWriter {
  /** What the request's body is framed by, as its parts arrive: `raw` is what is meant, without framing. */
  readonly bodyForm: 'http1' | 'raw'
  /** Stops reading the request for a reason (`HELD_BY_…`), until none is left. */
  hold(reason: number): void
  release(reason: number): void
  /** An answer of ours, whole. Gives the size of its body. `isRead`: all of the request has been, or will be, taken in. */
  local(answer: LocalAnswer, request: Request, isRead: boolean): number
  /** A 1xx. Bytes and head are valid during the call. */
  interim(bytes: Buffer, head: Head): void
  /** As `interim`, for the head that counts. It leaves with `flush`. */
  begin(bytes: Buffer, head: Head, framing: Framing, request: Request): void
  body(bytes: Buffer, from: number, to: number): void
  /** False: the client is full; `onClientDrained` of the exchange follows. */
  flush(): boolean
  end(trailers: Trailers | null): void
  /** Ends it so that the client can tell it is not whole. `code` is for HTTP/2: https://www.rfc-editor.org/rfc/rfc9113#section-7 */
  cutOff(code: number): void
  /** Closes whatever this is at once: it has met a defect of ours. */
  destroy(): void
}
