import type { FastifyInstance } from 'fastify'
import { kriOf } from '../model/kri.ts'
import type { Resource, Revision } from '../model/resource.ts'
import { toWire } from '../model/wire.ts'
import type { ChangeBatch, ResourceChange } from '../registry/change-batch.ts'
import type { Registry } from '../registry/registry.ts'
import { CompactedError } from '../registry/store.ts'
import type { Clock } from '../std/clock.ts'
import { type ChangeFeed, covers, type Interest } from './change-feed.ts'
import { EventStream } from './event-stream.ts'
import { readWatchQuery, type WatchQuery } from './watch-query.ts'

export interface WatchRoutesOptions {
  readonly registry: Registry
  readonly feed: ChangeFeed
  readonly clock: Clock
  /** Ends every watch. */
  readonly closing: AbortSignal
}

/** How long a stream is silent at most. */
const HEARTBEAT_MS = 15_000
/** Resources in one `list` event. */
const CHUNK = 500

/**
 * `GET /watch?kind=&mesh=&name=&filter[labels.k]=&from=&initial=`: changes as server-sent events, from a revision on (that of a list, in
 * `X-Skerry-Revision`), or from now; with `initial=true` after `list` events with everything that is there. `ready` says from where on
 * changes follow. Each `change` has the revision as its id, so EventSource resumes by itself; a `bookmark` moves that place on while
 * nothing of interest happens. `resync` says that the revision asked for is forgotten: with `initial=true` the list comes again, else the
 * stream ends.
 */
export function watchRoutes(app: FastifyInstance, { registry, feed, clock, closing }: WatchRoutesOptions): void {
  app.get('/watch', { config: { access: { verb: 'read', area: 'resources', scope: 'handler' } } }, async (request, reply) => {
    const query = readWatchQuery(request)
    const stream = new EventStream(reply, { clock, closing })
    try {
      // Asked for each change: who may read what can change meanwhile.
      const interests = query.interests.map(interest => ({
        ...interest,
        matches: (resource: Resource) => interest.matches?.(resource) !== false && request.access.mayRead(resource),
      }))
      await follow(stream, { ...query, interests }, { registry, feed, clock })
    } finally {
      stream.close()
    }
  })
}

async function follow(
  stream: EventStream,
  { interests, from, initial }: WatchQuery,
  { registry, feed, clock }: Pick<WatchRoutesOptions, 'registry' | 'feed' | 'clock'>,
): Promise<void> {
  const news = new News()
  const unfollow = feed.follow(interests, before => news.ring(before))
  try {
    let position = from ?? feed.revision
    if (initial) position = await sendAll(stream, registry, interests, news)
    await stream.send({ event: 'ready', id: position, data: JSON.stringify({ revision: position }) })
    if (from !== undefined && !initial) news.ring(from)
    while (!stream.signal.aborted) {
      const since = await news.wait(clock, stream.signal)
      if (stream.signal.aborted) return
      if (since === undefined) {
        if (position === feed.revision) await stream.beat()
        else {
          position = feed.revision
          await stream.send({ event: 'bookmark', id: position, data: JSON.stringify({ revision: position }) })
        }
        continue
      }
      try {
        const batch = feed.since(since, interests)
        position = feed.revision
        if (batch) await stream.send({ event: 'change', id: batch.revision, data: changesOf(batch, interests) })
      } catch (error) {
        if (!(error instanceof CompactedError)) throw error
        await stream.send({ event: 'resync', data: JSON.stringify({ code: error.code, detail: error.message }) })
        if (!initial) return
        position = await sendAll(stream, registry, interests, news)
        await stream.send({ event: 'ready', id: position, data: JSON.stringify({ revision: position }) })
      }
    }
  } finally {
    unfollow()
  }
}

/** Everything as it is at one revision, which is the result; what happens while it is sent is news. */
async function sendAll(stream: EventStream, registry: Registry, interests: readonly Interest[], news: News): Promise<Revision> {
  const { revision } = registry
  news.forget()
  const all = interests.flatMap(interest => present(registry, interest))
  for (let first = 0; first < all.length || first === 0; first += CHUNK) {
    const resources = all.slice(first, first + CHUNK).map(toWire)
    await stream.send({ event: 'list', data: JSON.stringify({ revision, resources }) })
    if (stream.signal.aborted) break
  }
  return revision
}

function present(registry: Registry, interest: Interest): readonly Resource[] {
  const { kind, mesh, name, label } = interest
  if (mesh !== undefined && name !== undefined) {
    const resource = registry.get({ kind, mesh, name })
    return resource && covers(interest, resource) ? [resource] : []
  }
  const candidates = mesh !== undefined && label ? registry.byLabel(kind, mesh, ...label) : registry.list(kind, mesh)
  return candidates.filter(resource => covers(interest, resource))
}

function changesOf({ revision, changes }: ChangeBatch, interests: readonly Interest[]): string {
  return JSON.stringify({ revision, changes: changes.map(change => tell(change, interests)) })
}

/** What is no longer one of those that the reader follows is gone for it. */
function tell(change: ResourceChange, interests: readonly Interest[]) {
  if (change.kind === 'put' && interests.some(interest => covers(interest, change.resource))) {
    return { change: 'put', resource: toWire(change.resource) }
  }
  const { kind, mesh, name } = change.previous!
  return { change: 'delete', resource: { type: kind, ...(mesh ? { mesh } : {}), name, kri: kriOf(change.previous!) } }
}

/** Since which revision there is something to tell. Many changes while the reader is busy are one. */
class News {
  #since: Revision | undefined
  #bell: (() => void) | undefined

  ring(before: Revision): void {
    this.#since ??= before
    this.#bell?.()
  }

  forget(): void {
    this.#since = undefined
  }

  /** undefined = nothing happened for the length of a heartbeat, or the signal aborted. */
  async wait(clock: Clock, signal: AbortSignal): Promise<Revision | undefined> {
    if (this.#since === undefined && !signal.aborted) {
      await new Promise<void>(resolve => {
        const done = () => {
          this.#bell = undefined
          timer.cancel()
          signal.removeEventListener('abort', done)
          resolve()
        }
        const timer = clock.setTimeout(done, HEARTBEAT_MS)
        signal.addEventListener('abort', done)
        this.#bell = done
      })
    }
    const since = this.#since
    this.#since = undefined
    return since
  }
}
