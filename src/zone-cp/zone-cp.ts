import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { loadOrMakeAdminToken } from '../api/admin-token.ts'
import { createAuthenticator } from '../api/authenticate.ts'
import { describeConfig } from '../api/describe-config.ts'
import { answerDiscovery, type DiscoveryCall } from '../api/discovery.ts'
import { isLoopback } from '../api/hosts.ts'
import { listenApi } from '../api/listen.ts'
import { storedInsight } from '../api/overview-routes.ts'
import { type Revocation, revokeToken } from '../api/revoke-token.ts'
import { createApi, renewApiCertificate } from '../api/server.ts'
import { showBuiltInRoles } from '../api/show-built-in-roles.ts'
import { type DataplaneTokenRequest, dataplaneClaims, describeToken, ttlOf } from '../api/token-requests.ts'
import { hasMesh } from '../api/write-resource.ts'
import { openAudit } from '../audit/open-audit.ts'
import { defaultHostnameGenerators, defaultMesh } from '../derive/default-mesh.ts'
import { ControlPlaneIdentity, controlPlaneName, namesOf } from '../identity/control-plane-identity.ts'
import { peekToken } from '../identity/token-claims.ts'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import { isFirstStart } from '../registry/first-start.ts'
import { openStore } from '../registry/open-store.ts'
import { Registry } from '../registry/registry.ts'
import { serveCa } from '../std/ca-endpoint.ts'
import type { Clock } from '../std/clock.ts'
import { GrpcServer, serveStreams } from '../std/grpc-server.ts'
import type { Log } from '../std/log.ts'
import type { Address } from '../std/option-value.ts'
import type { OptionValues } from '../std/options.ts'
import { TlsFront } from '../std/tls-front.ts'
import type { ReverseMethods } from '../sync/reverse-call.ts'
import type { GlobalFacts } from '../sync/zone-side.ts'
import { DELTA_ADS_PATH, SOTW_ADS_PATH } from '../xds/ads-server.ts'
import { options } from './config.ts'
import { openCore } from './core.ts'
import { openDashboard } from './dashboard.ts'
import { openDiscovery } from './discovery/open-discovery.ts'
import { startDns } from './dns-names.ts'
import { GlobalLink } from './global-link.ts'
import { inspectDataplane } from './inspect.ts'
import { inspectPolicy } from './inspect-policy.ts'
import { kubernetesNames, startKubernetes } from './kubernetes.ts'
import { serveBootstrap } from './kuma-dp/bootstrap-listener.ts'
import { SOTW_SDS_PATH } from './kuma-dp/zone-made-keys.ts'
import { vipRanges } from './vips.ts'

export type ZoneConfig = OptionValues<typeof options>

/** A running zone control plane. Closed in reverse order of opening. */
export interface ZoneControlPlane {
  readonly ports: { readonly api: Address; readonly xds: Address } & { readonly [name: string]: Address }
  readonly adminToken: { readonly file: string; readonly isNew: boolean }
  /** Resolves when its store can no longer be trusted: the program ends. */
  readonly failed: Promise<Error>
  [Symbol.asyncDispose](): Promise<void>
}

export interface ZoneDeps {
  readonly clock: Clock
  readonly log: Log
  /** What discovery sources may refer to by name. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

export async function startZone(config: ZoneConfig, { clock, log, env = {} }: ZoneDeps): Promise<ZoneControlPlane> {
  await using opening = new AsyncDisposableStack()
  const instanceId = randomUUID()
  const { zone } = config
  const vips = vipRanges(config)
  const store = await openStore(config, `zone ${zone}`, 'exclusive')
  opening.defer(() => store.close())
  const registry = opening.use(await Registry.open(store, { clock, log }))
  if (config.defaults && isFirstStart(registry)) {
    const made = (config.global ? defaultHostnameGenerators : defaultMesh)({ mode: 'zone', zone })
    await registry.commit(made.map(draft => ({ kind: 'put', draft })))
  }
  const identity = opening.use(
    await ControlPlaneIdentity.loadOrCreate(registry, {
      clock,
      log,
      ...namesOf(config.xds.host, config.api.host, ...(config.apiNames ?? []), ...kubernetesNames(config)),
    }),
  )
  await showBuiltInRoles(registry, { kind: 'zone', zone, federated: config.global !== undefined })
  const audit = opening.use(await openAudit(config, { clock, log, instance: instanceId }))
  const adminToken = await loadOrMakeAdminToken(config.adminTokenFile ?? join(config.data, 'admin.token'), identity.tokens, { clock, log })

  let heard: Pick<GlobalFacts, 'connected' | 'silentZones'> = { connected: false, silentZones: [] }
  const core = opening.use(
    await openCore({
      registry,
      zone,
      tokens: identity.tokens,
      instanceId,
      offlineAfterMs: config.offlineAfter,
      deleteServicesAfterMs: config.deleteServicesAfter,
      vipRanges: vips,
      allowKumaDp: config.allowKumaDp,
      ...(config.global ? { global: () => heard } : {}),
      clock,
      log,
    }),
  )
  const grpc = new GrpcServer()
  serveStreams(grpc, '/skerry.agent.v1.Agent/Connect', stream => void core.agents.accept(stream))
  serveStreams(grpc, DELTA_ADS_PATH, stream => void core.ads.serve(stream, 'delta'))
  serveStreams(grpc, SOTW_ADS_PATH, stream => void core.ads.serve(stream, 'sotw'))
  serveStreams(grpc, SOTW_SDS_PATH, stream => void core.zoneMadeKeys.serve(stream))
  const { caPem } = identity
  const bootstrapParts = { registry, tokens: identity.tokens, zone, isAllowed: config.allowKumaDp, caPem, serverName: controlPlaneName }
  const front = await TlsFront.start({
    address: config.xds,
    flag: '--xds',
    certificate: { certPem: identity.server.cert, keyPem: identity.server.key },
    grpc,
    http: serveBootstrap(bootstrapParts, config.xds, log, serveCa(identity.caPem, 'proxies')),
    log,
  })
  opening.defer(() => front.close({ graceMs: 500 }))
  opening.defer(() => core.agents.close())
  opening.defer(() => core.kumaDp.close())
  identity.onRenew(server => front.setCertificate({ certPem: server.cert, keyPem: server.key }))
  const kubernetes = await startKubernetes(config, { identity, registry, zone, xds: front.address, clock, log })
  if (kubernetes) opening.use(kubernetes)

  const dashboard = opening.use(openDashboard({ registry, core, zone, instanceId, clock, log }))
  const discovery = opening.use(await openDiscovery({ registry, zone, sourcesFile: config.discoverySources, env, clock, log }))
  discovery.onSources = sources => dashboard.sourcesChanged(sources)
  const inspect = (mesh: string, name: string) => inspectDataplane({ registry, ...core }, mesh, name)
  // Who asked for it is on record at global.
  const byGlobal = { who: { name: 'global', groups: [] }, remote: '', area: 'tokens', decision: 'allowed' } as const
  const methods: ReverseMethods = {
    'inspect-dataplane': body => {
      const { mesh, name } = body as { mesh: string; name: string }
      return inspect(mesh, name)
    },
    'inspect-policy': body => inspectPolicy({ registry, zone, ...core }, body as { mesh: string; kind: string; kri: string }),
    discovery: body => answerDiscovery(discovery, body as DiscoveryCall),
    'dataplane-token': async body => {
      const request = body as DataplaneTokenRequest
      const ttlMs = ttlOf('dataplane', request.validFor)
      const token = await identity.tokens.issue({ type: 'dataplane', claims: dataplaneClaims(request), ttlMs })
      const detail = describeToken('dataplane', peekToken(token)?.claims ?? {})
      await audit.append({ ...byGlobal, verb: 'issue', kind: 'dataplane', detail })
      return token
    },
    'revoke-token': async body => {
      const { mesh, id, issuedBefore } = body as Revocation
      // Whatever else it may ask, global revokes no tokens but those of proxies.
      const revocation: Revocation = { type: 'dataplane', mesh, ...(id ? { id } : {}), ...(issuedBefore ? { issuedBefore } : {}) }
      if (!hasMesh(registry, mesh)) throw new Error(`mesh ${mesh} is not known in zone ${zone}`)
      await revokeToken(registry, revocation)
      await audit.append({ ...byGlobal, verb: 'revoke', kind: 'revocation', detail: { tokenType: 'dataplane', ...revocation } })
      return null
    },
  }
  const link = config.global
    ? await GlobalLink.start({
        zone,
        url: config.global,
        tokenFile: config.zoneTokenFile,
        caFile: config.globalCaFile,
        dataDir: config.data,
        registry,
        instanceId,
        describe: () => ({ ...dashboard.describe(), sources: discovery.sources() }),
        onFacts: facts => {
          heard = facts
          core.doubts.check()
          dashboard.globalChanged(facts)
        },
        methods,
        clock,
        log,
      })
    : null
  if (link) opening.defer(() => link.close())

  const stored = storedInsight(registry)
  const app = createApi({
    registry,
    role: { kind: 'zone', zone, federated: config.global !== undefined },
    authenticate: createAuthenticator({ tokens: identity.tokens, admin: adminToken }),
    tokens: identity.tokens,
    audit,
    clock,
    log,
    instanceId,
    clusterId: identity.fingerprint.slice(0, 16),
    ...(isLoopback(config.api.host) ? {} : { tls: { cert: identity.server.cert, key: identity.server.key } }),
    insightOf: key => {
      const dataplane = key.kind === 'DataplaneInsight' ? registry.get<Dataplane>({ ...key, kind: 'Dataplane' }) : undefined
      return (dataplane && core.insights.render(dataplane)?.spec) ?? stored(key)
    },
    inspectDataplane: inspect,
    inspectPolicy: async policy => [inspectPolicy({ registry, zone, ...core }, policy)].filter(it => it !== null),
    viewOf: mesh => core.reconciler.view(mesh),
    plannedProxy: (mesh, name) => core.reconciler.plan(mesh, name),
    instanceState: core.readiness.stateOf,
    config: describeConfig(options, config),
    ...(config.apiNames === undefined ? {} : { hosts: config.apiNames }),
    endpoints: core.endpoints,
    discovery: { names: () => [zone], testWithinMs: 25_000, ask: (_, call) => answerDiscovery(discovery, call) },
    dashboard,
  })
  opening.defer(() => app.close())
  if (!isLoopback(config.api.host)) identity.onRenew(server => renewApiCertificate(app, server))
  const listening = await listenApi(app, config.api)

  const dns = config.dns ? opening.use(await startDns(config.dns, core, { registry, zone, clock, log })) : null

  const closing = opening.move()
  return {
    ports: {
      api: { host: config.api.host, port: listening.port },
      xds: front.address,
      ...(dns ? { dns: dns.address } : {}),
      ...(kubernetes?.webhook ? { webhook: kubernetes.webhook } : {}),
    },
    adminToken,
    failed: registry.failed,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}
