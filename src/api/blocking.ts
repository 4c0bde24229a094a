import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Revision } from '../model/resource.ts'
import type { Clock } from '../std/clock.ts'
import type { Principal } from './access.ts'
import { type BlockingQuery, readBlockingQuery } from './blocking-query.ts'
import { type ChangeFeed, formatInterest, type Interest } from './change-feed.ts'
import { Waiters } from './waiters.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** How many reads wait for a change. */
    readonly waitingReads: number
  }
}

/** An answer before it is JSON. */
export interface Rendered {
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string | number>>
  /** The reader has it already, by the conditions of his request: 304. One who waited for a change gets the whole answer. */
  readonly isUnmodified?: boolean
}

interface Options {
  readonly feed: ChangeFeed
  readonly clock: Pick<Clock, 'setTimeout'>
  /** Answers every read that waits, at once. */
  readonly closing: AbortSignal
}

/**
 * Blocking reads, as Consul has them: `GET …?index=REV&wait=30s` answers as soon as what it asks for has changed since REV, or when its
 * time is over. `X-Skerry-Index` of every answer is the next question's index: all that happened up to it is in the answer. Readers of the
 * same answer wait together, and it is put into JSON once for all of them.
 */
export class BlockingReads {
  readonly #feed: ChangeFeed
  readonly #clock: Pick<Clock, 'setTimeout'>
  readonly #closing: AbortSignal
  readonly #groups = new Map<string, Group>()

  constructor({ feed, clock, closing }: Options) {
    this.#feed = feed
    this.#clock = clock
    this.#closing = closing
    closing.addEventListener('abort', () => this.#wakeAll(), { once: true })
  }

  /** How many reads wait. */
  get waiting(): number {
    let sum = 0
    for (const { waiters } of this.#groups.values()) sum += waiters.size
    return sum
  }

  /**
   * The answer to a read of what `interest` means, now or once it has changed. `render` is synchronous and reads the registry; what it
   * throws is the answer's error. `interest` is asked for only where the read blocks.
   */
  answer(request: FastifyRequest, reply: FastifyReply, interest: () => Interest, render: () => Rendered): unknown {
    const query = readBlockingQuery(request.query)
    if (query) return this.#block(request, reply, query, interest(), render)
    reply.header('x-skerry-index', this.#feed.revision)
    const { body, headers, isUnmodified } = render()
    if (headers) reply.headers(headers)
    return isUnmodified ? reply.code(304).send() : body
  }

  async #block(request: FastifyRequest, reply: FastifyReply, { index, waitMs }: BlockingQuery, interest: Interest, render: () => Rendered) {
    const group = this.#join(request, interest)
    try {
      if (!this.#closing.aborted && !this.#feed.hasChanged(interest, index)) {
        // Nobody is left to answer.
        if ((await group.waiters.wait(reply.raw, waitMs)) === 'gone') return reply.hijack()
      }
      reply.header('x-skerry-index', this.#feed.revision)
      const { text, headers } = group.encode(this.#feed.revision, render)
      return reply.headers(headers).type('application/json; charset=utf-8').send(text)
    } finally {
      this.#leave(group)
    }
  }

  #join(request: FastifyRequest, interest: Interest): Group {
    const key = `${scopeOf(request.principal)} ${request.headers.host} ${answerOf(request.url)} ${formatInterest(interest)}`
    let group = this.#groups.get(key)
    if (!group) {
      const waiters = new Waiters(this.#clock)
      group = new Group(
        key,
        waiters,
        this.#feed.follow([interest], () => waiters.wake()),
      )
      this.#groups.set(key, group)
    }
    group.members++
    return group
  }

  #leave(group: Group): void {
    if (--group.members > 0) return
    group.unfollow()
    this.#groups.delete(group.key)
  }

  #wakeAll(): void {
    for (const { waiters } of this.#groups.values()) waiters.wake()
  }
}

/** Reads that get the same answer. */
class Group {
  readonly key: string
  readonly waiters: Waiters
  readonly unfollow: () => void
  members = 0
  #encoded: { readonly revision: Revision; readonly text: string; readonly headers: Readonly<Record<string, string | number>> } | undefined

  constructor(key: string, waiters: Waiters, unfollow: () => void) {
    this.key = key
    this.waiters = waiters
    this.unfollow = unfollow
  }

  encode(revision: Revision, render: () => Rendered) {
    if (this.#encoded?.revision !== revision) {
      const { body, headers = {} } = render()
      this.#encoded = { revision, text: JSON.stringify(body), headers }
    }
    return this.#encoded!
  }
}

/** Whom an answer is for: those who are shown the same may share it. */
function scopeOf(principal: Principal | undefined): string {
  return principal ? JSON.stringify([principal.name, principal.groups]) : ''
}

/** The part of a URL that says what is read, without what says for how long to wait. */
function answerOf(url: string): string {
  return url.replace(/([?&])(?:index|wait)=[^&]*(?=&|$)/g, '$1')
}
