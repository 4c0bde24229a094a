import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import type { Clock } from '../std/clock.ts'

/** A reader that takes nothing for so long is cut off; it resumes from the last event it saw. */
const SLOW_READER_MS = 30_000

export interface ServerSentEvent {
  readonly event: string
  /** Where a reader that comes back goes on: EventSource sends it as Last-Event-ID. */
  readonly id?: number | string
  /** One line: JSON has no raw line breaks. */
  readonly data: string
}

/** An answer that goes on for as long as its reader listens. https://html.spec.whatwg.org/multipage/server-sent-events.html */
export class EventStream {
  /** Aborted when the reader is gone or the API closes. */
  readonly signal: AbortSignal
  readonly #response: ServerResponse
  readonly #clock: Clock
  readonly #gone = new AbortController()

  /** Takes the reply over and sends its head. */
  constructor(reply: FastifyReply, { clock, closing }: { clock: Clock; closing: AbortSignal }) {
    this.#response = reply.raw
    this.#clock = clock
    this.signal = AbortSignal.any([this.#gone.signal, closing])
    this.#response.once('close', () => this.#gone.abort())
    reply.hijack()
    this.#response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    })
  }

  /** Resolves when there is room for more. */
  send({ event, id, data }: ServerSentEvent): Promise<void> {
    return this.#write(`event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${data}\n\n`)
  }

  /** Keeps middle boxes from closing a silent stream, and finds readers that are gone. */
  beat(): Promise<void> {
    return this.#write(': still here\n\n')
  }

  close(): void {
    this.#gone.abort()
    this.#response.end()
  }

  async #write(text: string): Promise<void> {
    if (this.signal.aborted || this.#response.write(text)) return
    const patience = this.#clock.setTimeout(() => {
      this.#gone.abort()
      this.#response.destroy()
    }, SLOW_READER_MS)
    await once(this.#response, 'drain', { signal: this.signal }).catch(() => {})
    patience.cancel()
  }
}
