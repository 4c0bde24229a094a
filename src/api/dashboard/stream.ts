import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Violation } from '../../model/kind.ts'
import { type Clock, sleep } from '../../std/clock.ts'
import { EventStream } from '../event-stream.ts'
import { ApiError, invalidResource } from '../problem.ts'
import { lastOf } from './list-request.ts'
import { type LogEntry, type Topic, topics } from './model/change-log.ts'
import type { DashboardModel } from './model/dashboard-model.ts'
import { isVisible, type Visibility } from './model/table.ts'
import type { Described } from './openapi.ts'
import type { StoredService } from './schema/service.ts'
import { showService } from './service-view.ts'
import { visibilityOf } from './visibility.ts'

interface StreamOptions {
  readonly path: string
  readonly model: DashboardModel
  readonly clock: Clock
  readonly closing: AbortSignal
}

/** How long a stream is silent at most, ms. */
const heartbeatMs = 15_000
/** The first change goes out at once; what comes within this after it goes together, ms. */
const pauseMs = 100

export const streamDescription: Described = {
  path: '/stream',
  summary: 'All changes as server-sent events',
  parameters: [
    { name: 'topics', description: `with commas: ${topics.join(', ')}; default: all` },
    {
      name: 'from',
      description: 'the `revision` of an answer, or the Last-Event-ID header: everything after it comes; default: from now on',
    },
  ],
  contentType: 'text/event-stream',
  description: [
    '`ready`: from where on changes follow.',
    '`summary`: the whole summary, also at the beginning.',
    'Every other topic: `{revision, put: [rows], deleted: [ids], reload}` with rows as in its list; `reload` = the list may read otherwise as a whole.',
    '`resync`: what `from` names is forgotten, or another process’s: read the lists again, changes follow from here.',
    'Each event’s id goes into Last-Event-ID, which EventSource does by itself. Slow readers get fewer and newer rows.',
  ].join(' '),
}

/** `GET /dashboard/v1/stream?topics=&from=`, for as long as its reader listens, in what he may see. */
export function dashboardStream(app: FastifyInstance, { path, model, clock, closing }: StreamOptions): void {
  app.get(path, { config: { access: 'signed-in' } }, async (request, reply) => {
    visibilityOf(request, model.registry)
    const { wanted, from } = readRequest(request)
    const stream = new EventStream(reply, { clock, closing })
    const unwatch = model.watch()
    try {
      await follow(stream, { request, model, clock, wanted, from })
    } finally {
      unwatch()
      stream.close()
    }
  })
}

interface Following {
  readonly request: FastifyRequest
  readonly model: DashboardModel
  readonly clock: Clock
  readonly wanted: ReadonlySet<Topic>
  readonly from: string | undefined
}

async function follow(stream: EventStream, { request, model, clock, wanted, from }: Following): Promise<void> {
  const { changes, registry } = model
  const { signal } = stream
  const known = from === undefined ? changes.revision : changes.read(from)
  let position = known !== undefined && changes.since(known) ? known : changes.revision
  if (position !== known) await resync(stream, model, position)
  else await stream.send({ event: 'ready', id: changes.token(position), data: JSON.stringify({ revision: changes.token(position) }) })
  if (wanted.has('summary')) await sendSummary(stream, model, visibilityOf(request, registry), position)
  while (!signal.aborted) {
    const moved = await movedWithin(model, position, clock, signal)
    if (signal.aborted) return
    if (!moved) {
      await stream.beat()
      continue
    }
    const entries = changes.since(position)
    position = changes.revision
    // Roles may have changed since the stream began.
    const visible = visibleNow(request, model)
    if (visible === 'nothing') return
    if (entries) await sendChanges(stream, model, entries, wanted, visible.visibility, position)
    else await resync(stream, model, position)
    await sleep(clock, pauseMs, signal)
  }
}

/** false = nothing changed for as long as a stream is silent at most. */
async function movedWithin({ changes }: DashboardModel, position: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
  const waiting = new AbortController()
  const timer = clock.setTimeout(() => waiting.abort(), heartbeatMs)
  await changes.moved(position, AbortSignal.any([signal, waiting.signal]))
  timer.cancel()
  return changes.revision > position
}

function visibleNow(request: FastifyRequest, model: DashboardModel): { readonly visibility: Visibility | undefined } | 'nothing' {
  try {
    return { visibility: visibilityOf(request, model.registry) }
  } catch (error) {
    if (error instanceof ApiError) return 'nothing'
    throw error
  }
}

async function sendChanges(
  stream: EventStream,
  model: DashboardModel,
  entries: readonly LogEntry[],
  wanted: ReadonlySet<Topic>,
  visible: Visibility | undefined,
  position: number,
): Promise<void> {
  const id = model.changes.token(position)
  const byTopic = Map.groupBy(
    entries.filter(({ topic, mesh }) => wanted.has(topic) && (topic === 'summary' || isVisible(mesh, visible))),
    ({ topic }) => topic,
  )
  const last = [...byTopic.keys()].at(-1)
  for (const [topic, changed] of byTopic) {
    // Only the last one carries the revision: a reader that is cut off in between gets all of them again.
    const place = topic === last ? { id } : {}
    if (topic === 'summary') await sendSummary(stream, model, visible, position, place)
    else await stream.send({ event: topic, ...place, data: JSON.stringify({ revision: id, ...rowsOf(model, topic, changed) }) })
  }
}

function rowsOf(model: DashboardModel, topic: Exclude<Topic, 'summary'>, entries: readonly LogEntry[]) {
  const { get, show } = source(model, topic)
  const put: unknown[] = []
  const deleted: string[] = []
  for (const { id } of entries) {
    if (id === '*') continue
    const row = get(id)
    if (row === undefined) deleted.push(id)
    else put.push(show(row))
  }
  return { put, deleted, reload: entries.some(({ id }) => id === '*') }
}

function source(
  model: DashboardModel,
  topic: Exclude<Topic, 'summary'>,
): { get: (id: string) => unknown; show: (row: unknown) => unknown } {
  const plain = (table: { get(id: string): unknown }) => ({ get: (id: string) => table.get(id), show: (row: unknown) => row })
  switch (topic) {
    case 'services':
      return { get: id => model.services.table.get(id), show: row => showService(model, row as StoredService, model.ownZone) }
    case 'policies':
      return plain(model.meshes.policies)
    case 'problems':
    case 'zones':
    case 'workloads':
    case 'proxies':
    case 'meshes':
    case 'events':
      return plain(model[topic].table)
  }
}

function sendSummary(
  stream: EventStream,
  model: DashboardModel,
  visible: Visibility | undefined,
  position: number,
  place: { readonly id?: string } = {},
): Promise<void> {
  return stream.send({
    event: 'summary',
    ...place,
    data: JSON.stringify({ revision: model.changes.token(position), ...model.summary(visible) }),
  })
}

function resync(stream: EventStream, { changes }: DashboardModel, position: number): Promise<void> {
  const revision = changes.token(position)
  const detail = 'what changed since then is forgotten: read the lists again, changes follow from here'
  return stream.send({ event: 'resync', id: revision, data: JSON.stringify({ code: 'SKERRY_RESYNC', revision, detail }) })
}

function readRequest(request: FastifyRequest): { readonly wanted: ReadonlySet<Topic>; readonly from: string | undefined } {
  const query = request.query as Readonly<Record<string, unknown>>
  const said = lastOf(query.topics)?.split(',') ?? topics
  const violations: Violation[] = said
    .filter(topic => !(topics as readonly string[]).includes(topic))
    .map(topic => ({ field: 'topics', reason: `there is no topic ${JSON.stringify(topic)}: ${topics.join(', ')}` }))
  for (const name of Object.keys(query)) {
    if (name !== 'topics' && name !== 'from') violations.push({ field: name, reason: 'there is no such parameter: topics, from' })
  }
  if (violations.length > 0) throw invalidResource(violations, 'Could not follow the dashboard')
  return { wanted: new Set(said as readonly Topic[]), from: lastOf(request.headers['last-event-id']) ?? lastOf(query.from) }
}
