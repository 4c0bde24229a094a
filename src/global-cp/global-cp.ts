import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { loadOrMakeAdminToken } from '../api/admin-token.ts'
import { createAuthenticator } from '../api/authenticate.ts'
import { dashboardRoute } from '../api/dashboard-route.ts'
import { isLoopback } from '../api/hosts.ts'
import { listenApi } from '../api/listen.ts'
import { storedInsight } from '../api/overview-routes.ts'
import { ApiError } from '../api/problem.ts'
import { createApi, renewApiCertificate } from '../api/server.ts'
import { defaultMesh } from '../derive/default-mesh.ts'
import { overview } from '../derive/overview.ts'
import { bearerToken } from '../identity/bearer.ts'
import { ControlPlaneIdentity, namesOf } from '../identity/control-plane-identity.ts'
import { verifyToken } from '../identity/tokens.ts'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { DataplaneInsight } from '../model/kinds/dataplane-insight.ts'
import type { MeshService } from '../model/kinds/mesh-service.ts'
import { zoneLabel } from '../model/labels.ts'
import { displayNameOf } from '../model/names.ts'
import type { ResourceKey } from '../model/resource.ts'
import { isFirstStart } from '../registry/first-start.ts'
import { openStore } from '../registry/open-store.ts'
import { Registry } from '../registry/registry.ts'
import type { Clock } from '../std/clock.ts'
import { GrpcServer, serveStreams } from '../std/grpc-server.ts'
import type { Log } from '../std/log.ts'
import type { Address } from '../std/option-value.ts'
import type { OptionValues } from '../std/options.ts'
import { TlsFront } from '../std/tls-front.ts'
import { version } from '../std/version.ts'
import { GlobalSide, type ZoneAuthentication } from '../sync/global-side.ts'
import { ReverseCallError, ReverseCaller, reverseCallPath } from '../sync/reverse-call.ts'
import type { options } from './config.ts'
import { Zones } from './zones.ts'

export type GlobalConfig = OptionValues<typeof options>

/** A running global control plane. Closed in reverse order of opening. */
export interface GlobalControlPlane {
  readonly ports: { readonly api: Address; readonly sync: Address }
  readonly adminToken: { readonly file: string; readonly isNew: boolean }
  /** Resolves when its store can no longer be trusted: the program ends. */
  readonly failed: Promise<Error>
  [Symbol.asyncDispose](): Promise<void>
}

export async function startGlobal(config: GlobalConfig, { clock, log }: { clock: Clock; log: Log }): Promise<GlobalControlPlane> {
  await using opening = new AsyncDisposableStack()
  const instanceId = randomUUID()
  const store = await openStore(config.store, config.data)
  opening.defer(() => store.close())
  const registry = opening.use(await Registry.open(store, { clock, log }))
  if (config.defaults && isFirstStart(registry)) {
    await registry.commit(defaultMesh({ mode: 'global' }).map(draft => ({ kind: 'put', draft })))
  }
  const identity = opening.use(
    await ControlPlaneIdentity.loadOrCreate(registry, { clock, log, ...namesOf(config.sync.host, config.api.host) }),
  )
  const adminToken = await loadOrMakeAdminToken(config.adminTokenFile ?? join(config.data, 'admin.token'), identity.tokens, { clock, log })

  const authenticate = async (metadata: ReadonlyMap<string, string>): Promise<ZoneAuthentication> => {
    const token = bearerToken(metadata)
    const verdict = await verifyToken(identity.tokens, token, 'zone', clock)
    return verdict.kind === 'ok'
      ? { kind: 'zone', zone: verdict.claims.zone, expiresAt: verdict.claims.exp * 1000 }
      : { kind: 'refused', reason: `${verdict.code}: ${verdict.reason}` }
  }
  const zones = new Zones({ registry, instanceId, clock, log })
  const sync = opening.use(
    new GlobalSide({
      registry,
      instance: instanceId,
      version,
      clock,
      log,
      onFacts: link => zones.onLink(link),
      authenticate,
    }),
  )
  const onZones = registry.onChange(batch => {
    for (const change of batch.changes) {
      if (change.kind !== 'delete' || change.key.kind !== 'Zone') continue
      zones.forget(change.key.name)
      void sync
        .forget(change.key.name, 'the zone was deleted at global')
        .catch(error => log.error('a deleted zone could not be forgotten', { error }))
    }
  })
  opening.defer(onZones)
  const reverse = new ReverseCaller(clock)
  const grpc = new GrpcServer()
  serveStreams(grpc, reverseCallPath, stream => {
    authenticate(stream.metadata)
      .then(who => (who.kind === 'zone' ? reverse.accept(who.zone, stream) : stream.end({ code: 'UNAUTHENTICATED', message: who.reason })))
      .catch(error => {
        log.error('a zone could not be asked', { peer: stream.peer, error })
        stream.end({ code: 'INTERNAL', message: 'global failed on this stream: see its log' })
      })
  })
  for (const [path, handler] of Object.entries(sync.handlers)) serveStreams(grpc, path, handler)
  const front = await TlsFront.start({
    address: config.sync,
    flag: '--sync',
    certificate: { certPem: identity.server.cert, keyPem: identity.server.key },
    grpc,
    http: (request, response) => {
      if (request.method === 'GET' && request.url === '/ca.pem')
        response.writeHead(200, { 'content-type': 'application/x-pem-file' }).end(identity.caPem)
      else response.writeHead(404, { 'content-type': 'text/plain' }).end('this port is for zones: GET /ca.pem, or gRPC\n')
    },
    log,
  })
  opening.defer(() => front.close({ graceMs: 500 }))
  identity.onRenew(server => front.setCertificate({ certPem: server.cert, keyPem: server.key }))

  const stored = storedInsight(registry)
  const app = createApi({
    registry,
    role: { kind: 'global' },
    authenticate: createAuthenticator({ tokens: identity.tokens, admin: adminToken, clock }),
    tokens: identity.tokens,
    clock,
    log,
    instanceId,
    clusterId: identity.fingerprint.slice(0, 16),
    ...(isLoopback(config.api.host) ? {} : { tls: { cert: identity.server.cert, key: identity.server.key } }),
    insightOf: key => (key.kind === 'ZoneInsight' ? zones.insight(key.name) : proxyInsight(registry, zones, key)) ?? stored(key),
    zoneDataplaneToken: async (zone, request) => String(await ask(reverse, zone, 'dataplane-token', request)),
    inspectDataplane: async (mesh, name) => {
      const dataplane = registry.get<Dataplane>({ kind: 'Dataplane', mesh, name })
      const zone = dataplane?.labels[zoneLabel]
      return dataplane && zone
        ? ((await ask(reverse, zone, 'inspect-dataplane', { mesh, name: displayNameOf(dataplane) })) ?? undefined)
        : undefined
    },
    extraRoutes: dashboardRoute,
    status: () => ({ mode: 'global', ...overview(zones.lines(), registry.list<MeshService>('MeshService'), proxyStates(registry, zones)) }),
  })
  opening.defer(() => app.close())
  if (!isLoopback(config.api.host)) identity.onRenew(server => renewApiCertificate(app, server))
  const listening = await listenApi(app, config.api)

  const closing = opening.move()
  return {
    ports: { api: { host: config.api.host, port: listening.port }, sync: front.address },
    adminToken,
    failed: registry.failed,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

/** What only a zone can answer; its refusal or silence becomes the answer to whoever asked global. */
async function ask(reverse: ReverseCaller, zone: string, method: string, body: unknown): Promise<unknown> {
  try {
    return await reverse.call(zone, method, body)
  } catch (error) {
    if (!(error instanceof ReverseCallError)) throw error
    const status = error.code === 'SKERRY_ZONE_REFUSED' ? 400 : 503
    throw new ApiError({ status, code: error.code, title: `Zone ${zone} could not be asked`, detail: error.message, cause: error })
  }
}

/** What a zone wrote of a proxy; once the zone is silent nobody knows that the proxy is still there, and it does not read as online. */
function proxyInsight(registry: Registry, zones: Zones, key: ResourceKey): DataplaneInsight['spec'] | undefined {
  const insight = registry.get<DataplaneInsight>({ ...key, kind: 'DataplaneInsight' })
  const dataplane = registry.get<Dataplane>({ ...key, kind: 'Dataplane' })
  const silentSince = dataplane ? zones.silentSince(dataplane.labels[zoneLabel] ?? '') : null
  if (!insight || silentSince === null) return insight?.spec
  const disconnectTime = new Date(silentSince).toISOString()
  return { ...insight.spec, subscriptions: insight.spec.subscriptions?.map(subscription => ({ disconnectTime, ...subscription })) }
}

/** As fresh as the last connect, disconnect or refusal that zones told. */
function proxyStates(registry: Registry, zones: Zones) {
  return registry.list<Dataplane>('Dataplane').map(dataplane => {
    const insight = proxyInsight(registry, zones, dataplane)
    const zone = dataplane.labels[zoneLabel] ?? ''
    const connected = insight?.subscriptions?.some(subscription => subscription.disconnectTime === undefined) ?? false
    const failing = insight?.readiness?.find(state => !state.ready)
    const away = zones.silentSince(zone) === null ? 'its proxy is not connected to its zone' : `its zone ${zone} is not connected to global`
    return { dataplane, connected, ready: connected && !failing, reason: connected ? (failing?.reason ?? '') : away }
  })
}
