import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { KindDefinition } from '../model/kind.ts'
import { findKind, kindByName, suggestKinds } from '../model/kinds/index.ts'
import { kriOf } from '../model/kri.ts'
import { toWire } from '../model/wire.ts'
import { type ChangeBatch, keyOfChange, type ResourceChange } from '../registry/change-batch.ts'
import type { Registry } from '../registry/registry.ts'
import { CompactedError } from '../registry/store.ts'
import { type Clock, sleep } from '../std/clock.ts'
import { invalidResource } from './problem.ts'

export interface WatchRoutesOptions {
  readonly registry: Registry
  readonly clock: Clock
  /** Ends every watch. */
  readonly closing: AbortSignal
}

/** Keeps middle boxes from closing a silent stream, and finds readers that are gone. */
const HEARTBEAT_MS = 15_000
/** A reader that takes nothing for so long is cut off; it resumes from the last revision it saw. */
const SLOW_READER_MS = 30_000

/**
 * `GET /watch?kind=&mesh=&from=`: changes as server-sent events, from a revision on (that of a list, in `X-Skerry-Revision`), or from
 * now. Each `change` event has the revision as its id, so EventSource resumes by itself; `resync` says that the revision asked for is
 * forgotten: list again, then watch. https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function watchRoutes(app: FastifyInstance, { registry, clock, closing }: WatchRoutesOptions): void {
  app.get('/watch', { config: { access: { verb: 'read', area: 'resources' } } }, async (request, reply) => {
    const { kind, mesh, from } = readQuery(request, registry)
    const gone = new AbortController()
    request.raw.once('close', () => gone.abort())
    reply.raw.once('close', () => gone.abort())
    const signal = AbortSignal.any([gone.signal, closing])

    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    const send = (event: string) => write(reply.raw, event, clock, signal, () => gone.abort())
    const heartbeat = beat(clock, signal, () => send(': still here\n\n'))
    try {
      await send(`event: ready\nid: ${from}\ndata: ${JSON.stringify({ revision: from })}\n\n`)
      const filter = (change: ResourceChange) => isWanted(change, kind, mesh)
      for await (const batch of registry.watch({ from, signal, filter })) await send(changeEvent(batch))
    } catch (error) {
      if (!(error instanceof CompactedError)) throw error
      await send(`event: resync\ndata: ${JSON.stringify({ code: error.code, detail: error.message })}\n\n`)
    } finally {
      gone.abort()
      await heartbeat
      reply.raw.end()
    }
  })
}

interface WatchQuery {
  readonly kind: KindDefinition | undefined
  readonly mesh: string | undefined
  readonly from: number
}

function readQuery(request: FastifyRequest, registry: Registry): WatchQuery {
  const { kind: word, mesh, from } = request.query as Readonly<Record<string, unknown>>
  const kind = typeof word === 'string' ? findKind(word) : undefined
  if (word !== undefined && (kind === undefined || kind.secret)) {
    const [guess] = suggestKinds(String(word))
    throw invalidResource(
      [{ field: 'kind', reason: `unknown kind ${JSON.stringify(word)}${guess ? `; did you mean ${guess}?` : ''}` }],
      'Could not watch resources',
    )
  }
  const position = request.headers['last-event-id'] ?? from
  if (position !== undefined && !/^\d{1,15}$/.test(String(position))) {
    throw invalidResource([{ field: 'from', reason: 'must be a revision: a whole number' }], 'Could not watch resources')
  }
  return {
    kind,
    mesh: typeof mesh === 'string' && mesh !== '' ? mesh : undefined,
    from: position === undefined ? registry.revision : Number(position),
  }
}

function isWanted(change: ResourceChange, kind: KindDefinition | undefined, mesh: string | undefined): boolean {
  const key = keyOfChange(change)
  if (kindByName(key.kind)?.secret) return false
  return (
    (kind === undefined || key.kind === kind.kind) &&
    (mesh === undefined || key.mesh === mesh || (key.kind === 'Mesh' && key.name === mesh))
  )
}

function changeEvent({ revision, changes }: ChangeBatch): string {
  const told = changes.map(change =>
    change.kind === 'put'
      ? { change: 'put', resource: toWire(change.resource) }
      : {
          change: 'delete',
          resource: {
            type: change.key.kind,
            ...(change.key.mesh ? { mesh: change.key.mesh } : {}),
            name: change.key.name,
            kri: kriOf(change.previous),
          },
        },
  )
  return `event: change\nid: ${revision}\ndata: ${JSON.stringify({ revision, changes: told })}\n\n`
}

/** Writes, and waits while the reader is behind: what comes meanwhile is coalesced by the registry's watch. */
async function write(response: ServerResponse, event: string, clock: Clock, signal: AbortSignal, cutOff: () => void): Promise<void> {
  if (signal.aborted || response.write(event)) return
  const patience = clock.setTimeout(() => {
    cutOff()
    response.destroy()
  }, SLOW_READER_MS)
  await once(response, 'drain', { signal }).catch(() => {})
  patience.cancel()
}

async function beat(clock: Clock, signal: AbortSignal, tick: () => Promise<void>): Promise<void> {
  for (;;) {
    await sleep(clock, HEARTBEAT_MS, signal)
    if (signal.aborted) return
    await tick()
  }
}
