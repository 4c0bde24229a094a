import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { loadOrMakeAdminToken } from '../api/admin-token.ts'
import { createAuthenticator } from '../api/authenticate.ts'
import { DashboardModel } from '../api/dashboard/model/dashboard-model.ts'
import { dashboardRoute } from '../api/dashboard-route.ts'
import { describeConfig } from '../api/describe-config.ts'
import { isLoopback } from '../api/hosts.ts'
import { listenApi } from '../api/listen.ts'
import { storedInsight } from '../api/overview-routes.ts'
import { createApi, renewApiCertificate } from '../api/server.ts'
import { showBuiltInRoles } from '../api/show-built-in-roles.ts'
import { openAudit } from '../audit/open-audit.ts'
import { defaultMesh } from '../derive/default-mesh.ts'
import { bearerToken } from '../identity/bearer.ts'
import { ControlPlaneIdentity, namesOf } from '../identity/control-plane-identity.ts'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { DataplaneInsight } from '../model/kinds/dataplane-insight.ts'
import { zoneLabel } from '../model/labels.ts'
import { displayNameOf } from '../model/names.ts'
import type { ResourceKey } from '../model/resource.ts'
import { isFirstStart, writeFirst } from '../registry/first-start.ts'
import { LeaderRole } from '../registry/leader-role.ts'
import { openStore } from '../registry/open-store.ts'
import { Registry } from '../registry/registry.ts'
import { serveCa } from '../std/ca-endpoint.ts'
import type { Clock } from '../std/clock.ts'
import { GrpcServer, serveStreams } from '../std/grpc-server.ts'
import type { Log } from '../std/log.ts'
import { type Address, formatAddress } from '../std/option-value.ts'
import type { OptionValues } from '../std/options.ts'
import { TlsFront } from '../std/tls-front.ts'
import { version } from '../std/version.ts'
import { forwardedCallPath } from '../sync/forwarded-call.ts'
import { GlobalSide, type ZoneAuthentication } from '../sync/global-side.ts'
import { reverseCallPath } from '../sync/reverse-call.ts'
import { options } from './config.ts'
import { MultiZoneStatus } from './multi-zone-status.ts'
import { Replicas } from './replicas.ts'
import { ZoneCalls } from './zone-calls.ts'
import { returnWithinMs, Zones } from './zones.ts'

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
  const store = await openStore(config, 'global')
  opening.defer(() => store.close())
  const registry = opening.use(await Registry.open(store, { clock, log }))
  if (config.defaults && isFirstStart(registry)) await writeFirst(registry, defaultMesh({ mode: 'global' }))
  const identity = opening.use(
    await ControlPlaneIdentity.loadOrCreate(registry, {
      clock,
      log,
      ...namesOf(config.sync.host, config.api.host, ...(config.apiNames ?? [])),
    }),
  )
  await showBuiltInRoles(registry, { kind: 'global' })
  const audit = opening.use(await openAudit(config, { clock, log, instance: instanceId }))
  const adminToken = await loadOrMakeAdminToken(config.adminTokenFile ?? join(config.data, 'admin.token'), identity.tokens, { clock, log })

  const authenticate = async (metadata: ReadonlyMap<string, string>): Promise<ZoneAuthentication> => {
    const token = bearerToken(metadata)
    const verdict = await identity.tokens.verify(token, 'zone')
    if (verdict.kind === 'refused') return { kind: 'refused', reason: `${verdict.code}: ${verdict.reason}` }
    const { claims } = verdict
    return {
      kind: 'zone',
      zone: claims.zone,
      hold: stream => identity.tokens.holdStream('zone', claims, stream),
    }
  }
  // What one of several replicas does for all.
  const leading = opening.use(new LeaderRole({ leadership: store, role: 'global', log }))
  const presence = store.join(instanceId)
  opening.defer(() => presence.close())
  const zones = new Zones({ registry, instanceId, leading, clock, log })
  opening.defer(() => zones.close())
  const dashboard = opening.use(
    new DashboardModel({
      registry,
      clock,
      log,
      zone: '',
      instance: instanceId,
      version,
      insightOf: ({ mesh, name }) => registry.get<DataplaneInsight>({ kind: 'DataplaneInsight', mesh, name })?.spec,
      silentSince: zone => zones.silentSince(zone),
      returnWithinMs,
    }),
  )
  opening.use(new MultiZoneStatus({ registry, leading, log }))
  const replicas = new Replicas({
    presence,
    onLink: (link, holder) => {
      zones.onLink(link, holder)
      // What another replica says last of a zone that was deleted must not bring it back.
      if (link.connected || registry.get({ kind: 'Zone', mesh: '', name: link.zone })) dashboard.zoneChanged(link)
      else dashboard.zoneForgotten(link.zone)
    },
    clock,
  })
  const sync = opening.use(
    new GlobalSide({
      registry,
      instance: instanceId,
      version,
      clock,
      log,
      onFacts: link => replicas.tellLink(link),
      silentZones: () => zones.silent(),
      authenticate,
    }),
  )
  const onZones = registry.onChange(batch => {
    for (const change of batch.changes) {
      if (change.kind !== 'delete' || change.key.kind !== 'Zone') continue
      zones.forget(change.key.name, change.revision)
      replicas.forget(change.key.name)
      dashboard.zoneForgotten(change.key.name)
      void sync
        .forget(change.key.name, 'the zone was deleted at global', change.revision)
        .catch(error => log.error('a deleted zone could not be forgotten', { error }))
    }
  })
  opening.defer(onZones)
  const calls = new ZoneCalls({ replicas, identity, instanceId, clock, log })
  opening.defer(() => calls.close())
  const grpc = new GrpcServer()
  serveStreams(grpc, reverseCallPath, stream => {
    authenticate(stream.metadata)
      .then(who => {
        if (who.kind === 'refused') return stream.end({ code: 'UNAUTHENTICATED', message: who.reason })
        who.hold?.(stream)
        return calls.reverse.accept(who.zone, stream)
      })
      .catch(error => {
        log.error('a zone could not be asked', { peer: stream.peer, error })
        stream.end({ code: 'INTERNAL', message: 'global failed on this stream: see its log' })
      })
  })
  serveStreams(grpc, forwardedCallPath, stream => void calls.serveReplica(stream))
  for (const [path, handler] of Object.entries(sync.handlers)) serveStreams(grpc, path, handler)
  const front = await TlsFront.start({
    address: config.sync,
    flag: '--sync',
    certificate: { certPem: identity.server.cert, keyPem: identity.server.key },
    grpc,
    http: serveCa(identity.caPem, 'zones'),
    log,
  })
  opening.defer(() => front.close({ graceMs: 500 }))
  identity.onRenew(server => front.setCertificate({ certPem: server.cert, keyPem: server.key }))
  const isAnywhere = ['0.0.0.0', '::'].includes(config.sync.host)
  if (config.replicaAddress) replicas.tellAddress(formatAddress(config.replicaAddress))
  else if (!isAnywhere) replicas.tellAddress(formatAddress(front.address))

  const stored = storedInsight(registry)
  const app = createApi({
    registry,
    role: { kind: 'global' },
    authenticate: createAuthenticator({ tokens: identity.tokens, admin: adminToken }),
    tokens: identity.tokens,
    audit,
    clock,
    log,
    config: describeConfig(options, config),
    ...(config.apiNames === undefined ? {} : { hosts: config.apiNames }),
    instanceId,
    clusterId: identity.fingerprint.slice(0, 16),
    ...(isLoopback(config.api.host) ? {} : { tls: { cert: identity.server.cert, key: identity.server.key } }),
    insightOf: key => (key.kind === 'ZoneInsight' ? zones.insight(key.name) : proxyInsight(registry, zones, key)) ?? stored(key),
    zoneDataplaneToken: async (zone, request) => String(await calls.ask(zone, 'dataplane-token', request)),
    zoneRevocation: (zone, revocation) => calls.ask(zone, 'revoke-token', revocation),
    discovery: {
      names: () => registry.list('Zone').map(({ name }) => name),
      // A zone that has not answered by then counts as silent.
      testWithinMs: 4_000,
      ask: (zone, call) => calls.ask(zone, 'discovery', call),
    },
    inspectDataplane: async (mesh, name) => {
      const dataplane = registry.get<Dataplane>({ kind: 'Dataplane', mesh, name })
      const zone = dataplane?.labels[zoneLabel]
      return dataplane && zone
        ? ((await calls.ask(zone, 'inspect-dataplane', { mesh, name: displayNameOf(dataplane) })) ?? undefined)
        : undefined
    },
    inspectPolicy: async policy => {
      const names = registry.list('Zone').map(({ name }) => name)
      const answers = names.map(zone => calls.ask(zone, 'inspect-policy', policy).catch((error: Error) => ({ zone, error: error.message })))
      return (await Promise.all(answers)).filter(answer => answer !== null)
    },
    extraRoutes: dashboardRoute,
    terraformMirror: config.terraformMirror,
    dashboard,
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

/** What a zone wrote of a proxy; once the zone is silent nobody knows that the proxy is still there, and it does not read as online. */
function proxyInsight(registry: Registry, zones: Zones, key: ResourceKey): DataplaneInsight['spec'] | undefined {
  const insight = registry.get<DataplaneInsight>({ ...key, kind: 'DataplaneInsight' })
  const dataplane = registry.get<Dataplane>({ ...key, kind: 'Dataplane' })
  const silentSince = dataplane ? zones.silentSince(dataplane.labels[zoneLabel] ?? '') : null
  if (!insight || silentSince === null) return insight?.spec
  const disconnectTime = new Date(silentSince).toISOString()
  return { ...insight.spec, subscriptions: insight.spec.subscriptions?.map(subscription => ({ disconnectTime, ...subscription })) }
}
