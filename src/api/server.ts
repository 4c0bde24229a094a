import { randomUUID } from 'node:crypto'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import { type FastifyInstance, fastify } from 'fastify'
import type { AuditLog } from '../audit/audit-log.ts'
import { MemoryAuditLog } from '../audit/memory-audit-log.ts'
import type { TokenAuthority } from '../identity/token-authority.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import { auditRequests } from './audit-requests.ts'
import { auditRoutes } from './audit-routes.ts'
import type { Authenticate } from './authenticate.ts'
import { BlockingReads } from './blocking.ts'
import { bulkRoutes } from './bulk-routes.ts'
import { ChangeFeed } from './change-feed.ts'
import { limitConnections } from './connection-limit.ts'
import type { DashboardModel } from './dashboard/model/dashboard-model.ts'
import { dashboardRoutes } from './dashboard/routes.ts'
import type { DiscoveryZones } from './discovery.ts'
import { discoveryRoutes } from './discovery-routes.ts'
import { type EndpointSource, endpointRoutes } from './endpoint-routes.ts'
import { guard } from './guard.ts'
import { allowedNames } from './hosts.ts'
import { indexRoutes } from './index-routes.ts'
import { countedKinds, insightRoutes } from './insight-routes.ts'
import { type InspectOptions, inspectRoutes } from './inspect/inspect-routes.ts'
import { jsonDepth } from './json-depth.ts'
import { kriRoute } from './kri-route.ts'
import { MeshViews } from './mesh-views.ts'
import { openApiRoutes } from './openapi/routes.ts'
import { type InsightOf, overviewRoutes, storedInsight } from './overview-routes.ts'
import { ApiError, toProblem } from './problem.ts'
import { adminRoutes } from './resource-admin.ts'
import { type ConfigRoutesOptions, configRoute } from './resource-config.ts'
import { hostnameRoutes } from './resource-hostnames.ts'
import { resourceRoutes } from './resource-routes.ts'
import { revocationRoutes } from './revocation-routes.ts'
import type { Revocation } from './revoke-token.ts'
import type { ControlPlaneRole } from './role.ts'
import { terraformRoutes } from './terraform-routes.ts'
import { tokenListRoutes } from './token-list-routes.ts'
import type { DataplaneTokenRequest } from './token-requests.ts'
import { tokenRoutes } from './token-routes.ts'
import { unknownPath } from './unknown-path.ts'
import { type InspectDataplane, type InspectPolicy, viewRoutes } from './view-routes.ts'
import { watchRoutes } from './watch-routes.ts'

export interface ApiOptions {
  readonly registry: Registry
  readonly role: ControlPlaneRole
  readonly authenticate: Authenticate
  readonly tokens: TokenAuthority
  /** Stays its opener's to close. Without it the log is kept in memory. */
  readonly audit?: AuditLog
  readonly clock: Clock
  readonly log: Log
  /** New with every process. */
  readonly instanceId: string
  /** The same for all replicas of this control plane. */
  readonly clusterId: string
  /** Names to answer to, beside addresses, localhost and skerry-cp. */
  readonly hosts?: readonly string[]
  /** Without it the API is plain HTTP, and `listenApi` binds it on loopback only. */
  readonly tls?: { readonly cert: string; readonly key: string }
  readonly limits?: Partial<ApiLimits>
  readonly notReady?: () => string | undefined
  /** The program's settings for `GET /config`, without secrets (`describeConfig`). */
  readonly config?: Readonly<Record<string, unknown>>
  readonly insightOf?: InsightOf
  readonly inspectDataplane?: InspectDataplane
  readonly inspectPolicy?: InspectPolicy
  /** In a zone: the views that its proxies' plans are made of. */
  readonly viewOf?: InspectOptions['viewOf']
  /** In a zone: for `_config`. */
  readonly plannedProxy?: ConfigRoutesOptions['plannedProxy']
  readonly instanceState?: ConfigRoutesOptions['instanceState']
  /** What `/dashboard/v1` shows. Stays its opener's to close. */
  readonly dashboard?: DashboardModel
  /** In a zone: where its services are answered. */
  readonly endpoints?: EndpointSource
  /** Whose discovery can be asked. */
  readonly discovery?: DiscoveryZones
  /** At global only: has a zone make the token of one of its proxies. */
  readonly zoneDataplaneToken?: (zone: string, request: DataplaneTokenRequest) => Promise<string>
  /** At global only: has a zone revoke a token of one of its proxies. */
  readonly zoneRevocation?: (zone: string, revocation: Revocation) => Promise<unknown>
  /** At global: the directory with the Terraform provider that is served. */
  readonly terraformMirror?: string
  /** Routes of the program's own, guarded as all others: each says in its `config.access` what it needs. */
  readonly extraRoutes?: (app: FastifyInstance) => void
}

export interface ApiLimits {
  readonly bodyBytes: number
  readonly jsonDepth: number
  /** Of one `POST /bulk`. */
  readonly bulkItems: number
  readonly bulkBytes: number
  readonly connections: number
  /** Of those, from one other machine. */
  readonly connectionsPerAddress: number
  /** Changes kept in memory for readers that come back: one that was away for longer starts anew. */
  readonly rememberedChanges: number
  /** From the first byte of a request to its last. */
  readonly requestTimeoutMs: number
  readonly headersTimeoutMs: number
  readonly keepAliveTimeoutMs: number
}

const defaultLimits: ApiLimits = {
  bodyBytes: 1_048_576,
  jsonDepth: 64,
  bulkItems: 5000,
  bulkBytes: 4_194_304,
  connections: 10_000,
  connectionsPerAddress: 2_000,
  rememberedChanges: 10_000,
  requestTimeoutMs: 30_000,
  headersTimeoutMs: 10_000,
  keepAliveTimeoutMs: 65_000,
}

/** When to come again after 503: a store that lost its leader has another in a few seconds. */
const RETRY_AFTER_S = 2

/** How long requests under way may take when the API closes. */
const CLOSE_PATIENCE_MS = 800

/** A control plane's HTTP API over its registry. It is not listening yet: see `listenApi`. */
export function createApi(options: ApiOptions): FastifyInstance {
  const { registry, role, clock, log } = options
  const limits = { ...defaultLimits, ...options.limits }
  const app = newServer(options, limits)
  const closing = closeQuickly(app, clock)

  parseJson(app, limits)
  answerErrors(app, log)
  const audit = options.audit ?? new MemoryAuditLog(clock)
  // First of all: what the guard refuses is on record, too.
  auditRequests(app, { audit, registry, clock, log })
  guard(app, { authenticate: options.authenticate, hosts: allowedNames(options.hosts), registry, role })

  indexRoutes(app, {
    role,
    instanceId: options.instanceId,
    clusterId: options.clusterId,
    notReady: options.notReady ?? (() => undefined),
    config: options.config ?? {},
  })
  openApiRoutes(app)
  const feed = new ChangeFeed(registry, limits.rememberedChanges)
  app.addHook('onClose', async () => feed.close())
  const blocking = new BlockingReads({ feed, clock, closing })
  app.decorate('waitingReads', { getter: () => blocking.waiting })
  resourceRoutes(app, { registry, role, log, blocking, elsewhere: new Set([...countedKinds, 'Config']) })
  const insightOf = options.insightOf ?? storedInsight(registry)
  overviewRoutes(app, { registry, insightOf })
  insightRoutes(app, { registry, insightOf, clock })
  kriRoute(app, { registry, role })
  hostnameRoutes(app, { registry, role })
  configRoute(app, { registry, role, plannedProxy: options.plannedProxy, instanceState: options.instanceState })
  adminRoutes(app, { registry, role })
  const views = options.viewOf ? null : new MeshViews(registry)
  if (views) app.addHook('onClose', async () => views.close())
  inspectRoutes(app, { registry, role, viewOf: options.viewOf ?? ((mesh, zone) => views!.of(mesh, zone)) })
  viewRoutes(app, { registry, role, inspectDataplane: options.inspectDataplane, inspectPolicy: options.inspectPolicy })
  if (options.dashboard) dashboardRoutes(app, { model: options.dashboard, clock, audit, closing })
  const { tokens, zoneDataplaneToken, zoneRevocation } = options
  tokenRoutes(app, { role, registry, tokens, log, zoneDataplaneToken })
  revocationRoutes(app, { role, registry, zoneRevocation })
  tokenListRoutes(app, { registry, tokens, audit, clock })
  auditRoutes(app, audit)
  terraformRoutes(app, options.terraformMirror)
  if (options.endpoints) endpointRoutes(app, { registry, endpoints: options.endpoints, clock, closing })
  if (options.discovery) discoveryRoutes(app, { registry, zones: options.discovery })
  bulkRoutes(app, { registry, role, log, limits })
  watchRoutes(app, { registry, feed, clock, closing })
  options.extraRoutes?.(app)
  return app
}

function newServer(options: ApiOptions, limits: ApiLimits): FastifyInstance {
  const server = {
    headersTimeout: limits.headersTimeoutMs,
    maxHeaderSize: 16_384,
    connectionsCheckingInterval: Math.min(2_000, limits.headersTimeoutMs),
  }
  const common = {
    logger: false,
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    genReqId: () => randomUUID(),
    exposeHeadRoutes: false,
    // The longest name a resource can have, with each character escaped.
    routerOptions: { maxParamLength: 3 * 253, onBadUrl: answerBadUrl, onMaxParamLength: answerBadUrl },
  } as const
  const app = (options.tls
    ? fastify({ ...common, https: { ...options.tls, ...server, minVersion: 'TLSv1.2', handshakeTimeout: limits.headersTimeoutMs } })
    : fastify({ ...common, http: server })) as unknown as FastifyInstance
  app.server.maxConnections = limits.connections
  limitConnections(app.server, limits.connectionsPerAddress)
  return app
}

/** Such a path reaches no route and no hook. */
function answerBadUrl(_path: string, _request: IncomingMessage, response: ServerResponse): void {
  const detail = 'the path holds a percent sign that is no escape, or a name longer than any can be'
  const error = new ApiError({ status: 400, code: 'SKERRY_URL_MALFORMED', title: 'Bad Request', detail })
  response.writeHead(400, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(toProblem(error, randomUUID())))
}

/** Ends watches first, then lets requests finish, then cuts what is left. */
function closeQuickly(app: FastifyInstance, clock: Clock): AbortSignal {
  const closing = new AbortController()
  app.addHook('preClose', async () => {
    closing.abort()
    if (!app.server.listening) return
    const patience = clock.setTimeout(() => (app.server as Server).closeAllConnections(), CLOSE_PATIENCE_MS)
    app.server.once('close', () => patience.cancel())
  })
  return closing.signal
}

function parseJson(app: FastifyInstance, limits: ApiLimits): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const text = body.toString()
    // Clients say the type also where they send nothing, with DELETE.
    if (text === '') return done(null, undefined)
    const depth = jsonDepth(text)
    if (depth > limits.jsonDepth) return done(malformed(`the body nests ${depth} levels deep, at most ${limits.jsonDepth} are taken`))
    parse(request, text, (error, value) => done(error ? malformed(`the body is not JSON: ${error.message}`) : null, value))
  })
}

function malformed(detail: string): ApiError {
  return new ApiError({ status: 400, code: 'SKERRY_BODY_MALFORMED', title: 'Bad Request', detail })
}

function answerErrors(app: FastifyInstance, log: Log): void {
  app.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error, request.id)
    if (problem.status >= 500)
      log.error('request failed', { request: request.id, method: request.method, url: request.url, status: problem.status, error })
    if (problem.status === 503) reply.header('retry-after', RETRY_AFTER_S)
    return reply.code(problem.status).send(problem)
  })
  app.setNotFoundHandler(request => {
    throw unknownPath(request.method, request.url)
  })
}

/** Puts a renewed certificate in place; connections that are open keep the old one. */
export function renewApiCertificate(app: FastifyInstance, tls: { readonly cert: string; readonly key: string }): void {
  ;(app.server as TlsServer).setSecureContext(tls)
}
