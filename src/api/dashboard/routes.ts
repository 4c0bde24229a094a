import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { TSchema } from 'typebox'
import type { AuditLog } from '../../audit/audit-log.ts'
import type { Clock } from '../../std/clock.ts'
import { notFound } from '../problem.ts'
import { followWrites } from './follow-writes.ts'
import { lastOf, listParameters } from './list-request.ts'
import type { Topic } from './model/change-log.ts'
import type { DashboardModel } from './model/dashboard-model.ts'
import { isVisible, type Table, type Visibility } from './model/table.ts'
import { describeApi } from './openapi.ts'
import { answerPage } from './page.ts'
import { eventPage } from './schema/event.ts'
import { meshItem, proxyItem, serviceItem, workloadItem, zoneItem } from './schema/item.ts'
import { meshPage, policyPage, workloadPage } from './schema/mesh.ts'
import { problemPage } from './schema/problem.ts'
import { proxyPage } from './schema/proxy.ts'
import { servicePage } from './schema/service.ts'
import { summary } from './schema/summary.ts'
import { zonePage } from './schema/zone.ts'
import { showService, showTiers } from './service-view.ts'
import { dashboardStream, streamDescription } from './stream.ts'
import { visibilityOf } from './visibility.ts'

export const dashboardPath = '/dashboard/v1'

/** One way to ask: what is served and what is described are made of the same. */
export interface DashboardRoute {
  /** Behind `/dashboard/v1`, parameters as `:name`. */
  readonly path: string
  readonly summary: string
  readonly parameters: readonly { readonly name: string; readonly description: string }[]
  readonly answer: TSchema
  /** Of which topics it tells: its ETag changes with them. */
  readonly topics: readonly Topic[]
  readonly handle: (request: FastifyRequest, visible: Visibility | undefined) => unknown
}

export interface DashboardRoutesOptions {
  readonly model: DashboardModel
  readonly clock: Clock
  readonly audit: Pick<AuditLog, 'broken'>
  /** Ends every stream. */
  readonly closing: AbortSignal
}

/** `/dashboard/v1`: what screens, `skerry status` and people's own boards are made of. */
export function dashboardRoutes(app: FastifyInstance, { model, clock, audit, closing }: DashboardRoutesOptions): void {
  followWrites(app, model)
  const config = { access: 'signed-in' } as const
  const routes = [summaryRoute(model), ...lists(model), ...items(model)]
  for (const { path, answer, topics, handle } of routes) {
    app.get(`${dashboardPath}${path}`, { config, schema: { response: { 200: answer } } }, (request, reply: FastifyReply) => {
      const visible = visibilityOf(request, model.registry)
      model.auditChanged(audit.broken)
      model.settle()
      if (isKnown(request, reply, { model, topics, visible })) return reply.code(304).send()
      return handle(request, visible)
    })
  }
  dashboardStream(app, { path: `${dashboardPath}/stream`, model, clock, closing })
  const description = describeApi(dashboardPath, routes, [streamDescription])
  app.get(`${dashboardPath}/openapi.json`, { config }, () => description)
}

/** Has the reader this answer already? Sets the ETag that says so next time: of what changed last, and of how much he sees. */
function isKnown(
  request: FastifyRequest,
  reply: FastifyReply,
  { model, topics, visible }: { model: DashboardModel; topics: readonly Topic[]; visible: Visibility | undefined },
): boolean {
  const { changes } = model
  const seen = visible ? `-${[...visible.meshes].map(encodeURIComponent).sort().join('+')}` : ''
  // Weak: what is the same for a reader may be written otherwise. https://www.rfc-editor.org/rfc/rfc9110#section-8.8.1
  const etag = `W/"${changes.token(changes.revisionOf(...topics))}${seen}"`
  reply.header('etag', etag)
  const known = request.headers['if-none-match']?.split(',') ?? []
  return known.some(tag => tag.trim() === etag)
}

function summaryRoute(model: DashboardModel): DashboardRoute {
  return {
    path: '/summary',
    summary: 'Everything on one screen, problems first',
    parameters: [],
    answer: summary,
    topics: ['summary'],
    handle: (_, visible) => ({ revision: model.changes.token(model.changes.revision), ...model.summary(visible) }),
  }
}

function lists(model: DashboardModel): DashboardRoute[] {
  const { changes } = model
  const list = <Row>(
    topic: Topic,
    summary: string,
    table: Table<Row>,
    answer: TSchema,
    { show = row => row, also = [] }: { show?: (row: Row, request: FastifyRequest) => unknown; also?: DashboardRoute['parameters'] } = {},
  ): DashboardRoute => ({
    path: `/${topic}`,
    summary,
    parameters: [...listParameters(table.shape), ...also],
    answer,
    topics: [topic],
    handle: (request, visible) =>
      answerPage({ request, table, changes, visible, show: row => show(row, request), also: also.map(({ name }) => name) }),
  })
  const from = {
    name: 'from',
    description: 'zone of the callers for whom `tier` is told; default: this zone, and at global none in particular',
  }
  return [
    list('problems', 'What is wrong, the worst first', model.problems.table, problemPage),
    list('zones', 'Zones: whether they are there, and how far behind', model.zones.table, zonePage),
    list('services', 'Services over all zones', model.services.table, servicePage, {
      show: (row, request) => showService(model, row, fromOf(request, model)),
      also: [from],
    }),
    list('workloads', 'What is deployed under one name', model.workloads.table, workloadPage),
    list('proxies', 'Proxies: configuration, certificates, readiness', model.proxies.table, proxyPage),
    list('meshes', 'Meshes', model.meshes.table, meshPage),
    list('policies', 'How many policies there are, by mesh and kind', model.meshes.policies, policyPage),
    list('events', 'What happened, the newest first; kept in memory, the last 2,000 of this process', model.events.table, eventPage),
  ]
}

function fromOf(request: FastifyRequest, model: DashboardModel): string {
  return lastOf((request.query as Record<string, unknown>).from) ?? model.ownZone
}

function items(model: DashboardModel): DashboardRoute[] {
  const item = <Row>(
    topic: Topic,
    path: string,
    table: Table<Row>,
    answer: TSchema,
    about: { readonly what: string; readonly filters: (row: Row) => Readonly<Record<string, string>> },
    { show = row => row, more = () => ({}) }: { show?: (row: Row, request: FastifyRequest) => unknown; more?: (row: Row) => object } = {},
  ): DashboardRoute => ({
    path,
    summary: `One ${about.what}, with its problems and events`,
    parameters: path
      .split('/')
      .flatMap(part => (part.startsWith(':') ? [{ name: part.slice(1), description: `its ${part.slice(1)}` }] : [])),
    answer,
    topics: [topic, 'problems', 'events'],
    handle: (request, visible) => {
      const { mesh, name } = request.params as { readonly mesh?: string; readonly name: string }
      const row = find(table, mesh, name)
      if (row === undefined || !isVisible(table.shape.mesh(row), visible)) {
        throw notFound(
          `Could not read the ${about.what}`,
          `\`GET ${dashboardPath}/${topic}?q=${encodeURIComponent(name)}\` finds names like it`,
        )
      }
      const query = {
        filters: new Map(Object.entries(about.filters(row)).map(([field, value]) => [field, [value]])),
        q: undefined,
        sort: undefined,
        offset: 0,
        size: 20,
        visible,
      }
      return {
        revision: model.changes.token(model.changes.revision),
        item: show(row, request),
        problems: model.problems.table.query(query).rows,
        events: model.events.table.query(query).rows,
        ...more(row),
      }
    },
  })
  const ofKri = ({ kri }: { readonly kri: string }) => ({ kri })
  return [
    item('zones', '/zones/:name', model.zones.table, zoneItem, { what: 'zone', filters: row => ({ zone: row.name }) }),
    item(
      'services',
      '/services/:mesh/:name',
      model.services.table,
      serviceItem,
      { what: 'service', filters: ofKri },
      {
        show: (row, request) => showService(model, row, fromOf(request, model)),
        more: row => ({ tiers: showTiers(model, row) }),
      },
    ),
    item('proxies', '/proxies/:mesh/:name', model.proxies.table, proxyItem, { what: 'proxy', filters: ofKri }),
    // Nothing is told of a workload itself: what is told of the service of its name is nearest.
    item('workloads', '/workloads/:mesh/:name', model.workloads.table, workloadItem, {
      what: 'workload',
      filters: row => ({ mesh: row.mesh, name: row.name }),
    }),
    item('meshes', '/meshes/:name', model.meshes.table, meshItem, { what: 'mesh', filters: row => ({ mesh: row.name }) }),
  ]
}

/** By the name that it is stored under, else by the one that people gave it, where only one has it. */
function find<Row>(table: Table<Row>, mesh: string | undefined, name: string): Row | undefined {
  const stored = table.get(mesh === undefined ? name : `${mesh}/${name}`)
  if (stored !== undefined || mesh === undefined) return stored
  const named = [...table.idsWith('name', name)].map(id => table.get(id)!).filter(row => table.shape.mesh(row) === mesh)
  return named.length === 1 ? named[0] : undefined
}
