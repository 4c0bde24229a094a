import { mkdir } from 'node:fs/promises'
import { companionAgent } from '../envoy/client-kind.ts'
import { grpcBootstrap } from '../envoy/grpc/bootstrap.ts'
import { inboundListenerName } from '../model/kinds/dataplane.ts'
import type { Backoff } from '../std/backoff.ts'
import type { Clock } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import type { MessageStream } from '../std/message-stream.ts'
import { version } from '../std/version.ts'
import { AdsClient } from '../xds/ads-client.ts'
import { DELTA_ADS_PATH, SOTW_ADS_PATH } from '../xds/ads-server.ts'
import type { ResourceUpdate } from '../xds/delta-client.ts'
import { SDS } from '../xds/resource-types.ts'
import { compileTrust } from './compile/secret.ts'
import { trustSecret } from './compile/tls.ts'
import type { BoundListeners } from './control/listeners.ts'
import { writeDurably } from './durable-file.ts'
import type { Engine } from './engine.ts'
import { AdsSocket } from './grpc/ads-socket.ts'
import { grpcFolder } from './grpc/grpc-folder.ts'
import { IdentityFiles } from './grpc/identity-files.ts'
import { socketPath } from './socket-path.ts'

export interface GrpcEngineOptions {
  /** `<mesh>.<name>` */
  readonly nodeId: string
  readonly service: string
  readonly instanceId: string
  /** The proxy's; readable by this user only. */
  readonly directory: string
  /** Ports that the application serves on. */
  readonly ports: readonly { readonly name: string; readonly port: number }[]
  /** Opens a stream to the zone, as soon as it knows this workload. */
  readonly connect: (path: string, signal: AbortSignal) => Promise<MessageStream>
  readonly clock: Clock
  readonly backoff: Backoff
  readonly log: Log
  readonly onBound: (bound: BoundListeners) => void
}

/**
 * The application carries its requests itself, with gRPC's own xDS client. This process keeps its certificate fresh, and carries its configuration
 * from the zone, whose token the application need not know.
 */
export async function grpcEngine(options: GrpcEngineOptions): Promise<Engine> {
  const { nodeId, service, instanceId, log, onBound } = options
  const paths = grpcFolder(options.directory)
  await mkdir(paths.folder, { recursive: true, mode: 0o700 })
  const bootstrap = grpcBootstrap({ nodeId, service, adsSocket: socketPath(paths.adsSocket), identityDirectory: paths.identity })
  await writeDurably(paths.bootstrap, `${JSON.stringify(bootstrap, null, 2)}\n`)
  const files = new IdentityFiles(paths.identity)

  let bound: BoundListeners = { listeners: [], failures: [] }
  const socket = new AdsSocket({
    socket: paths.adsSocket,
    connect: signal => options.connect(SOTW_ADS_PATH, signal),
    onPorts() {
      const serving = options.ports.filter(({ port }) => socket.ports.has(port))
      bound = { listeners: serving.map(({ name, port }) => inboundListenerName({ name, port })).sort(), failures: [] }
      onBound(bound)
    },
  })
  const bundles = new AdsClient({
    node: {
      id: nodeId,
      cluster: service,
      userAgentName: companionAgent,
      userAgentVersionType: { case: 'userAgentVersion', value: version },
      metadata: { 'skerry.instance': instanceId },
    },
    connect: signal => options.connect(DELTA_ADS_PATH, signal),
    clock: options.clock,
    backoff: options.backoff,
    log,
    onUpdate: update => acceptTrust(update, files),
  })
  bundles.subscribe(SDS, [trustSecret])
  const failed = (error: unknown) => log.error('the certificate could not be written', { path: paths.identity, error })

  return {
    name: 'grpc',
    get bound() {
      return bound
    },
    get trouble() {
      return files.isWritten ? '' : 'there is no certificate for the application yet'
    },
    setIdentity: identity => void files.setIdentity(identity).catch(failed),
    async restore() {
      await files.restore()
      await socket.listen()
    },
    start: () => bundles.start(),
    counters: () => new Map(),
    stats: () => '',
    config: () => ({ bootstrap: paths.bootstrap, ports: [...socket.ports] }),
    async freeze() {
      await bundles.close()
    },
    // Its requests are the application's own: it ends them when it is told to.
    async drain() {},
    async close() {
      socket.freeze()
      await socket.close()
    },
  }
}

/** What is wrong with the bundles, if anything; else they are on disk. */
async function acceptTrust({ added }: ResourceUpdate, files: IdentityFiles): Promise<string | null> {
  for (const { value } of added) {
    if (value === undefined) continue
    const compiled = compileTrust(value)
    if (compiled.kind === 'rejected') return compiled.reasons.join('; ')
    await files.setTrust(compiled.value)
  }
  return null
}
