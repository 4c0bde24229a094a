import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { envoyBootstrap } from '../envoy/bootstrap.ts'
import { Backoff } from '../std/backoff.ts'
import { type Clock, sleep } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import type { MessageStream } from '../std/message-stream.ts'
import type { Random } from '../std/random.ts'
import { exposition } from './admin.ts'
import type { BoundListeners } from './control/listeners.ts'
import { writeDurably } from './durable-file.ts'
import type { Engine } from './engine.ts'
import { askEnvoy } from './envoy/admin-client.ts'
import { AgentServer } from './envoy/agent-server.ts'
import { EnvoyProcess, logFormat } from './envoy/envoy-process.ts'
import { busyPath, metricsOf, underWay } from './envoy/envoy-state.ts'
import { KeptConfiguration } from './envoy/kept-configuration.ts'
import { adminSocketOf, envoyFolder } from './envoy/leftover.ts'
import { ListenerWatch } from './envoy/listener-watch.ts'
import type { SavedState } from './saved-state.ts'
import { socketPath } from './socket-path.ts'

export interface EnvoyEngineOptions {
  /** Its program, and the version that `findEnvoy` found there. */
  readonly path: string
  readonly version: string
  /** Threads that carry requests. */
  readonly concurrency: number
  /** `<mesh>.<name>` */
  readonly nodeId: string
  readonly service: string
  readonly instanceId: string
  /** The proxy's; readable by this user only. */
  readonly directory: string
  /** What it accepted in an earlier life. */
  readonly saved: SavedState
  /** Opens an ADS stream, as soon as the zone knows the proxy. */
  readonly connect: (signal: AbortSignal) => Promise<MessageStream>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly drainMs: number
  readonly onBound: (bound: BoundListeners) => void
  /** In whose names it has to answer, by SPIFFE ID; all of them each time. */
  readonly onWanted: (spiffeIds: ReadonlySet<string>) => void
}

const restart = { baseMs: 100, maxMs: 5000 }
const countersEveryMs = 10_000
/** Of an Envoy's thousands, what the zone shows. */
const counted = [
  'envoy_http_downstream_rq',
  'envoy_cluster_upstream_rq_xx',
  'envoy_cluster_upstream_cx_active',
  'envoy_listener_downstream_cx_active',
]

/** An Envoy beside this process, which makes its key, gives it its certificate, and watches over it. */
export async function envoyEngine(options: EnvoyEngineOptions): Promise<Engine> {
  const { path, version, directory, clock, random, log, onBound } = options
  const folder = envoyFolder(directory)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const adminSocket = socketPath(adminSocketOf(directory))
  const agentSocket = socketPath(join(folder, 'agent.sock'))
  const bootstrapFile = join(folder, 'bootstrap.json')

  const watch = new ListenerWatch({ socket: adminSocket, clock, onChange: onBound })
  const { connect, onWanted } = options
  const kept = new KeptConfiguration(options.saved, log)
  const agent = new AgentServer({ socket: agentSocket, connect, kept, clock, onAnswer: () => watch.nudge(), onWanted, log })
  const { nodeId, service, instanceId } = options
  await writeDurably(bootstrapFile, JSON.stringify(envoyBootstrap({ nodeId, service, instanceId, agentSocket, adminSocket }), null, 2))
  let crashes = 0
  const envoy = new EnvoyProcess({
    path,
    args: [
      ...['--config-path', bootstrapFile, '--disable-hot-restart', '--concurrency', String(options.concurrency)],
      // All at once when it drains: who it serves has taken it out of its rotation before.
      ...['--drain-time-s', String(Math.max(1, Math.ceil(options.drainMs / 1000))), '--drain-strategy', 'immediate'],
      ...['--log-level', 'warning', '--log-format', logFormat],
    ],
    clock,
    backoff: new Backoff({ ...restart, random }),
    log,
    onStart: () => {
      agent.forget()
      watch.nudge()
    },
    onCrash: reason => {
      crashes++
      watch.gone(reason)
    },
  })

  let counters: ReadonlyMap<string, number> = new Map()
  const own = () => new Map([['skerry_envoy_crashes_total', crashes]])
  const stats = async () => (await askEnvoy(adminSocket, '/stats/prometheus?usedonly').catch(() => ({ body: '' }))).body
  const closing = new AbortController()
  const keepCounting = async () => {
    while (!closing.signal.aborted) {
      await sleep(clock, countersEveryMs, closing.signal)
      if (watch.isLive) counters = new Map([...metricsOf(await stats(), counted), ...own()])
    }
  }

  return {
    name: `envoy ${version}`,
    get bound() {
      return watch.bound
    },
    get trouble() {
      return watch.isLive ? agent.notDelivered : 'Envoy is not live'
    },
    setIdentity: identity => agent.setIdentity(identity),
    setWorkloadIdentity(spiffeId, identity) {
      if (identity) agent.setIdentity(identity, spiffeId)
      else agent.dropIdentity(spiffeId)
      watch.nudge()
    },
    // What it will ask for first is there before it is.
    async restore() {
      await kept.load()
      await agent.listen()
    },
    start() {
      envoy.start()
      void keepCounting()
    },
    counters: () => counters,
    stats: async () => `${exposition(own())}${await stats()}`,
    async config() {
      const dump = await askEnvoy(adminSocket, '/config_dump?include_eds').catch(() => null)
      return { envoy: { version, pid: envoy.pid, adminSocket }, bound: watch.bound, ...(dump ? JSON.parse(dump.body) : {}) }
    },
    async freeze() {
      agent.freeze()
      watch.close()
    },
    async drain(timeoutMs) {
      const deadline = clock.monotonic() + timeoutMs
      await askEnvoy(adminSocket, '/drain_listeners?graceful', { method: 'POST' }).catch(() => null)
      while (clock.monotonic() < deadline) {
        const busy = await askEnvoy(adminSocket, busyPath).catch(() => null)
        if (busy === null || underWay(busy.body) === 0) return
        await sleep(clock, 50)
      }
    },
    async close() {
      closing.abort()
      watch.close()
      await envoy.close()
      await agent.close()
    },
  }
}
