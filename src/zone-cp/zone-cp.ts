import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { loadOrMakeAdminToken } from '../api/admin-token.ts'
import { createAuthenticator } from '../api/authenticate.ts'
import { isLoopback } from '../api/hosts.ts'
import { listenApi } from '../api/listen.ts'
import { storedInsight } from '../api/overview-routes.ts'
import { createApi, renewApiCertificate } from '../api/server.ts'
import { type DataplaneTokenRequest, defaultTtlMs } from '../api/token-routes.ts'
import { defaultMesh } from '../derive/default-mesh.ts'
import { overview } from '../derive/overview.ts'
import { ControlPlaneIdentity, namesOf } from '../identity/control-plane-identity.ts'
import { issueToken } from '../identity/tokens.ts'
import { durationMs } from '../model/duration.ts'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { MeshService } from '../model/kinds/mesh-service.ts'
import { isFirstStart } from '../registry/first-start.ts'
import { openStore } from '../registry/open-store.ts'
import { Registry } from '../registry/registry.ts'
import type { Clock } from '../std/clock.ts'
import { GrpcServer, serveStreams } from '../std/grpc-server.ts'
import type { Log } from '../std/log.ts'
import type { Address } from '../std/option-value.ts'
import type { OptionValues } from '../std/options.ts'
import { TlsFront } from '../std/tls-front.ts'
import type { ReverseMethods } from '../sync/reverse-call.ts'
import { DELTA_ADS_PATH } from '../xds/ads-server.ts'
import type { options } from './config.ts'
import { openCore } from './core.ts'
import { GlobalLink } from './global-link.ts'
import { inspectDataplane } from './inspect.ts'
import { countStates, proxyStates } from './proxy-states.ts'

export type ZoneConfig = OptionValues<typeof options>

/** A running zone control plane. Closed in reverse order of opening. */
export interface ZoneControlPlane {
  readonly ports: { readonly api: Address; readonly xds: Address }
  readonly adminToken: { readonly file: string; readonly isNew: boolean }
  /** Resolves when its store can no longer be trusted: the program ends. */
  readonly failed: Promise<Error>
  [Symbol.asyncDispose](): Promise<void>
}

export async function startZone(config: ZoneConfig, { clock, log }: { clock: Clock; log: Log }): Promise<ZoneControlPlane> {
  await using opening = new AsyncDisposableStack()
  const instanceId = randomUUID()
  const { zone } = config
  const store = await openStore(config.store, config.data)
  opening.defer(() => store.close())
  const registry = opening.use(await Registry.open(store, { clock, log }))
  if (!config.global && config.defaults && isFirstStart(registry)) {
    await registry.commit(defaultMesh({ mode: 'zone', zone }).map(draft => ({ kind: 'put', draft })))
  }
  const identity = opening.use(
    await ControlPlaneIdentity.loadOrCreate(registry, { clock, log, ...namesOf(config.xds.host, config.api.host) }),
  )
  const adminToken = await loadOrMakeAdminToken(config.adminTokenFile ?? join(config.data, 'admin.token'), identity.tokens, { clock, log })

  const core = opening.use(
    await openCore({ registry, zone, tokens: identity.tokens, instanceId, offlineAfterMs: config.offlineAfter, clock, log }),
  )
  const grpc = new GrpcServer()
  serveStreams(grpc, '/skerry.agent.v1.Agent/Connect', stream => void core.agents.accept(stream))
  serveStreams(grpc, DELTA_ADS_PATH, stream => void core.ads.serve(stream))
  const front = await TlsFront.start({
    address: config.xds,
    flag: '--xds',
    certificate: { certPem: identity.server.cert, keyPem: identity.server.key },
    grpc,
    http: (request, response) => answerProxy(request, response, identity.caPem),
    log,
  })
  opening.defer(() => front.close({ graceMs: 500 }))
  opening.defer(() => core.agents.close())
  identity.onRenew(server => front.setCertificate({ certPem: server.cert, keyPem: server.key }))

  const states = () => proxyStates(registry, core.readiness)
  const inspect = (mesh: string, name: string) => inspectDataplane({ registry, ...core }, mesh, name)
  const methods: ReverseMethods = {
    'inspect-dataplane': body => {
      const { mesh, name } = body as { mesh: string; name: string }
      return inspect(mesh, name)
    },
    'dataplane-token': body => {
      const { mesh, name, workload, validFor } = body as DataplaneTokenRequest
      const claims = { mesh, ...(workload ? { workload } : {}), ...(name ? { name } : {}) }
      const ttlMs = validFor ? durationMs(validFor) : 0
      return issueToken(identity.tokens, { type: 'dataplane', claims, ttlMs: ttlMs > 0 ? ttlMs : defaultTtlMs.dataplane }, clock)
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
        describe: () => countStates(states()),
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
    authenticate: createAuthenticator({ tokens: identity.tokens, admin: adminToken, clock }),
    tokens: identity.tokens,
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
    status: () => ({
      mode: 'zone',
      zone,
      ...(link ? { global: link.status() } : {}),
      ...overview([], registry.list<MeshService>('MeshService'), states()),
    }),
  })
  opening.defer(() => app.close())
  if (!isLoopback(config.api.host)) identity.onRenew(server => renewApiCertificate(app, server))
  const listening = await listenApi(app, config.api)

  const closing = opening.move()
  return {
    ports: { api: { host: config.api.host, port: listening.port }, xds: front.address },
    adminToken,
    failed: registry.failed,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

/** Plain HTTP on the proxies' port: what a proxy needs before it trusts anybody. */
function answerProxy(request: IncomingMessage, response: ServerResponse, caPem: string): void {
  const path = request.url?.split('?')[0]
  if (request.method === 'GET' && path === '/ca.pem') response.writeHead(200, { 'content-type': 'application/x-pem-file' }).end(caPem)
  else response.writeHead(404, { 'content-type': 'text/plain' }).end('this port is for proxies: GET /ca.pem, or gRPC\n')
}
