import type { Head } from '../codec/head.ts'
import type { Failure } from './failure.ts'

/** How the body of a response is framed. `close`: not at all, its end is told by the call that ends it. */
export type Framing = 'none' | 'length' | 'chunked' | 'close'

/** Names and values in turn, names in lower case. */
export type Trailers = readonly string[]

/** Who sent the request on a channel, and gets its response. Bytes and head are valid during the call only. */
export interface ResponseReceiver {
  /** An interim (1xx) or the final head. */
  onHead(bytes: Buffer, head: Head): void
  onBody(bytes: Buffer, from: number, to: number): void
  /** What came of one read has been given. */
  onFlush(): void
  /** The response is complete, and the channel no longer the receiver's. */
  onComplete(trailers: Trailers | null): void
  /** The channel is lost. `answered`: after the first byte of the response. */
  onBroken(answered: boolean, error: Error | null): void
  /** The request's bytes have left. */
  onSinkDrained(): void
}

/** What one request and its response travel on: a connection of HTTP/1.1, or a stream of HTTP/2. */
export interface Channel {
  /** What its connection says about the next host's health: a kept one may be closing already. */
  readonly isReused: boolean
  /** Of the response under way, from `onHead` on. */
  readonly framing: Framing
  /** What is sent next is a request of this receiver's. */
  begin(receiver: ResponseReceiver, isHeadRequest: boolean): void
  /** The head as HTTP/1.1 writes it. `isLast`: there is no body. False, here and below: it is full for now. */
  sendHead(head: Buffer, isLast: boolean): boolean
  send(part: Buffer): boolean
  /** What was sent is all of it. */
  finishRequest(trailers: Trailers | null): void
  /** Reading of the response stops until `release`. */
  hold(): void
  release(): void
  /** The next request to this host is better sent on another connection. */
  spend(): void
  /** The receiver wants no more of it. */
  abandon(): void
}

/** Who waits for a channel. One of the calls comes, perhaps before `acquire` returns. */
export interface ChannelWaiter {
  onChannel(channel: Channel): void
  onNoChannel(failure: Failure, error: Error | null): void
}

/** Connections to one host. */
export interface HostPool {
  /** @param fresh a kept connection will not do: the last one broke, or its peer refused */
  acquire(waiter: ChannelWaiter, fresh: boolean): void
  /** The waiter has given up. */
  cancel(waiter: ChannelWaiter): void
  /** Connections of now serve out their requests, then close. */
  renew(): void
  /** No more requests; those waiting fail over. */
  close(): void
}

/** The peer ended one stream of HTTP/2, and no more than that. */
export class StreamResetError extends Error {
  override name = 'StreamResetError'
  /** https://www.rfc-editor.org/rfc/rfc9113#section-7 */
  readonly code: number
  /** The peer promises that no application has seen the request. */
  readonly isUnseen: boolean
  /** It was about to close the whole connection, which we met on its way. */
  readonly isClosing: boolean
  constructor(code: number, isUnseen: boolean, isClosing: boolean) {
    super(`the upstream reset the stream (${code})`)
    this.code = code
    this.isUnseen = isUnseen
    this.isClosing = isClosing
  }
}
