import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { FirstContactError, fetchCa } from '../identity/first-contact.ts'
import { Backoff } from '../std/backoff.ts'
import type { Clock } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import type { MessageStream } from '../std/message-stream.ts'
import type { Address } from '../std/option-value.ts'
import type { Random } from '../std/random.ts'
import { version } from '../std/version.ts'
import { DELTA_ADS_PATH } from '../xds/ads-server.ts'
import { Admin } from './admin.ts'
import { AGENT_PATH, Agent } from './agent.ts'
import { ApplicationHealth } from './application-health.ts'
import { builtInEngine } from './built-in-engine.ts'
import type { HeldIdentity } from './certificates.ts'
import type { DataPlane } from './compile/table.ts'
import type { ProxyConfig } from './config.ts'
import { createDataPlane, type DataPlaneOptions } from './data.ts'
import { dataplaneOf } from './dataplane.ts'
import type { Engine } from './engine.ts'
import { findEnvoy } from './envoy/find-envoy.ts'
import { endLeftover } from './envoy/leftover.ts'
import { envoyEngine } from './envoy-engine.ts'
import { grpcEngine } from './grpc-engine.ts'
import { probeOf } from './health-check.ts'
import { choosePorts, type PortWish, readPorts } from './ports.ts'
import { runProbe } from './probe.ts'
import { ProxyError } from './proxy-error.ts'
import { SavedState } from './saved-state.ts'
import { settleWho } from './who.ts'
import { ZoneLine } from './zone-line.ts'
import { ZoneReach } from './zone-reach.ts'

export interface ProxyDependencies {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Gets one line for each request. */
  readonly accessLog?: (line: string) => void
  /** By default the one of `data.ts`. */
  readonly createDataPlane?: (options: DataPlaneOptions) => DataPlane
  /** Opens a stream to the zone; by default over gRPC. */
  readonly open?: (path: string, signal: AbortSignal, metadata?: Readonly<Record<string, string>>) => MessageStream | Promise<MessageStream>
}

export interface RunningProxy {
  readonly mesh: string
  readonly name: string
  readonly directory: string
  /** Where it listens, or will when the zone says so; by what for. */
  readonly ports: Readonly<Record<string, Address>>
  /** Resolves when it cannot go on. */
  readonly failed: Promise<ProxyError>
  /** Out of rotation first, then no more connections, then an end to what is under way. */
  stop(): Promise<void>
}

const loopback = '127.0.0.1'
const reconnect = { baseMs: 50, maxMs: 2000 }
/** How long callers may take to learn that this proxy stops. */
const drainedWithinMs = 2000
/** What ending costs after the last request. */
const endMs = 700

export async function startProxy(config: ProxyConfig, dependencies: ProxyDependencies): Promise<RunningProxy> {
  const { clock, random, log } = dependencies
  const envoyVersion = config.engine.kind === 'envoy' ? await findEnvoy(config.engine.path) : ''
  const who = await settleWho(config)
  const { mesh, name, service, directory } = who
  await endLeftover(directory, clock)
  const ports = await choosePorts(portWishes(config), await readPorts(join(directory, 'ports.json')))

  const { promise: failed, resolve: fail } = Promise.withResolvers<ProxyError>()
  const line = new ZoneLine({
    address: config.cp,
    token: config.token,
    tokenFile: config.tokenFile,
    caFile: config.caFile,
    directory,
    fetchCa,
  })
  const giveUp = (error: ProxyError) => {
    fail(error)
    void agent.close()
  }
  const dial = async (path: string, signal: AbortSignal, metadata?: Readonly<Record<string, string>>) => {
    try {
      return await line.open(path, signal, metadata)
    } catch (error) {
      // A control plane with another CA than the token's will not become the right one by asking again.
      if (error instanceof FirstContactError && error.code === 'SKERRY_CA_MISMATCH' && !agent.isRegistered) {
        giveUp(new ProxyError(error.code, error.message, '', { cause: error }))
      }
      throw error
    }
  }
  const open = dependencies.open ?? dial

  const saved = new SavedState({ directory, owner: `${mesh}.${name}`, clock, log })
  const instanceId = randomUUID()
  // These have no mTLS: wherever the others are bound, they stay on this machine.
  const forApplication = new Set([...ports].filter(([key]) => !isForPeers(key)).map(([, { port }]) => port))

  // The zone plans for Dataplanes that it knows: asked before, it would take everything away.
  const connectOn = async (path: string, signal: AbortSignal) => {
    await agent.registered(signal)
    signal.throwIfAborted()
    return open(path, signal, { 'skerry-instance': instanceId })
  }
  const connect = (signal: AbortSignal) => connectOn(DELTA_ADS_PATH, signal)
  /** What is held for workloads without a proxy. */
  const workloads = new Map<string, HeldIdentity>()
  const engine = await openEngine()
  const agent: Agent = new Agent({
    connect: signal => open(AGENT_PATH, signal),
    dataplane: JSON.stringify(dataplaneOf({ config, mesh, name, service, ports })),
    instanceId,
    version,
    engine: engine.name,
    clock,
    backoff: new Backoff({ ...reconnect, random }),
    log,
    onIdentity: identity => {
      engine.setIdentity(identity)
      if (!isRestoring) void saved.saveIdentity(identity)
    },
    onWorkloadIdentity: (spiffeId, identity) => {
      if (identity) workloads.set(spiffeId, identity)
      else workloads.delete(spiffeId)
      engine.setWorkloadIdentity?.(spiffeId, identity)
      if (!isRestoring) saved.saveWorkloads(workloads)
    },
    counters: () => engine.counters(),
    onWatch: addresses => reach.watch(addresses),
    onRefused: giveUp,
  })
  const reach = new ZoneReach({ probe: runProbe, clock, random, onChange: reaches => agent.reportReaches(reaches) })

  function openEngine(): Engine | Promise<Engine> {
    const common = {
      nodeId: `${mesh}.${name}`,
      service,
      instanceId,
      connect,
      clock,
      log,
      drainMs: config.drainTimeoutMs,
      onBound: (bound: Engine['bound']) => agent.reportBound(bound),
      onWanted: (spiffeIds: ReadonlySet<string>) => agent.answerFor(spiffeIds),
    }
    if (config.engine.kind === 'grpc') {
      const backoff = new Backoff({ ...reconnect, random })
      return grpcEngine({ ...common, connect: connectOn, ports: config.ports, directory, backoff })
    }
    if (config.engine.kind === 'envoy') return envoyEngine({ ...common, ...config.engine, version: envoyVersion, directory, saved, random })
    const { createDataPlane: create = createDataPlane, accessLog } = dependencies
    const data = create({ clock, random, log, onLocalFailure: () => health.probeNow(), ...(accessLog ? { accessLog } : {}) })
    return builtInEngine({
      ...common,
      data,
      saved,
      backoff: new Backoff({ ...reconnect, random }),
      bindAddress: ({ address, port }) => (address === config.address && !forApplication.has(port) ? config.bind : address),
    })
  }

  const health: ApplicationHealth = new ApplicationHealth({
    inbounds: config.ports.map(port => ({
      name: port.name,
      probe: probeOf(config.health, config.engine.kind === 'grpc' ? config.address : loopback, port.port),
    })),
    clock,
    onChange: states => agent.reportHealth(states),
  })

  let isDraining = false
  const notReady = () => {
    if (isDraining) return 'draining'
    const { listeners, failures } = engine.bound
    const states = health.states.filter(state => !state.ready)
    if (failures.length > 0) return failures.map(({ listener, reason }) => `${listener}: ${reason}`).join('; ')
    if (engine.trouble !== '') return engine.trouble
    if (listeners.length === 0 && (config.engine.kind !== 'grpc' || config.ports.length > 0)) return 'nothing is configured yet'
    return states.map(state => `application ${state.name}: ${state.reason}`).join('; ')
  }

  const admin = config.admin
    ? await Admin.start(
        { host: config.admin.host, port: ports.get('admin')!.port },
        {
          notReady,
          stats: () => engine.stats(),
          config: async () => ({ mesh, name, dataplane: dataplaneOf({ config, mesh, name, service, ports }), ...(await engine.config()) }),
        },
      )
    : null

  // What was accepted before serves at once, with or without a zone.
  let isRestoring = true
  const identity = await saved.loadIdentity()
  if (identity) agent.restore(identity)
  agent.restoreWorkloads(await saved.loadWorkloads())
  await engine.restore()
  isRestoring = false
  health.start()
  agent.start()
  engine.start()

  const stop = async () => {
    if (isDraining) return
    isDraining = true
    // First of all, so that nothing is configured any more: the zone may know a successor under this name, whose ports are not ours to open.
    await engine.freeze()
    const deadline = clock.monotonic() + config.drainTimeoutMs + endMs
    await agent.drain(Math.min(drainedWithinMs, config.drainTimeoutMs / 2))
    await engine.drain(Math.max(0, deadline - endMs / 2 - clock.monotonic()))
    health.close()
    reach.close()
    await Promise.all([agent.close(), admin?.close(), saved.close()])
    await engine.close()
    line.close()
  }
  return { mesh, name, directory, ports: Object.fromEntries(ports), failed, stop }
}

/** Everything that this proxy will listen on, as far as it is known before the zone has spoken. */
function portWishes(config: ProxyConfig): PortWish[] {
  const { bind } = config
  // A gRPC application listens itself, on its own port.
  const inbounds = config.engine.kind === 'grpc' ? [] : config.ports
  const wishes: PortWish[] = inbounds.map(port => ({
    key: `inbound.${port.name}`,
    flag: '--inbound-port',
    host: bind,
    port: port.inboundPort,
  }))
  if (config.role === 'zone-gateway') wishes.push({ key: 'ingress', flag: '--ingress-port', host: bind, port: config.ingressPort })
  for (const { name, address = loopback, port } of config.outbounds)
    wishes.push({ key: `outbound.${name}`, flag: '--outbound', host: address, port })
  if (config.httpProxyPort !== null)
    wishes.push({ key: 'http-proxy', flag: '--http-proxy-port', host: loopback, port: config.httpProxyPort })
  if (config.admin !== null) wishes.push({ key: 'admin', flag: '--admin', host: config.admin.host, port: config.admin.port })
  return wishes
}

function isForPeers(key: string): boolean {
  return key === 'ingress' || key.startsWith('inbound.')
}
