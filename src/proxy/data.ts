import type { Lambda } from '../model/kinds/dataplane.ts'
import type { Clock } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import type { Random } from '../std/random.ts'
import { Listener } from './accept/listener.ts'
import { isLoopback } from './accept/loopback.ts'
import type { ClusterTable, DataPlane, EndpointTable, IdentityMaterial, ListenerTable, RouteTable, TrustTable } from './compile/table.ts'
import { collectCounters } from './counters.ts'
import { awsCredentials, type Credentials } from './lambda/credentials.ts'
import { FunctionHost } from './lambda/function-host.ts'
import { type AccessRecord, formatAccessRecord } from './stack/access-log.ts'
import { HostsWanted } from './stack/hosts-wanted.ts'
import { findVirtualHost } from './stack/match-route.ts'
import type { Runtime } from './stack/runtime.ts'
import { Slab } from './transport/slab.ts'
import { TlsMaterial } from './transport/tls-material.ts'
import { TimerWheel } from './transport/wheel.ts'
import { Cluster } from './upstream/cluster.ts'

export interface DataPlaneOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Gets one JSON line a request, without a line end. */
  readonly accessLog?: (line: string) => void
  /** The application beside this proxy did not take a connection of the named cluster: a reason to probe it at once. */
  readonly onLocalFailure?: (cluster: string) => void
  /** What functions are invoked with; by default what the AWS tools find on this machine, and roles that it assumes with that. */
  readonly awsCredentials?: (lambda: Lambda) => Credentials
}

/** For tests and benches, beside what `DataPlane` offers. */
export interface RunningDataPlane extends DataPlane {
  [Symbol.asyncDispose](): Promise<void>
}

/** How long the old port of a listener that moved lets its connections finish. */
const MOVE_DRAIN_MS = 30_000
/** Quiet time after which a draining listener's connections count as done. */
const QUIET_MS = 250

export function createDataPlane(options: DataPlaneOptions): RunningDataPlane {
  return new DataPath(options)
}

class DataPath implements RunningDataPlane {
  onHostWanted: (routeTable: string, host: string) => void = () => {}
  readonly #log: Log
  readonly #clock: Clock
  readonly #wheel: TimerWheel
  readonly #tls: TlsMaterial
  readonly #runtime: Runtime
  readonly #functionHost: (lambda: Lambda) => FunctionHost
  readonly #clusters = new Map<string, Cluster>()
  /** Of clusters that were not set yet. */
  readonly #earlyEndpoints = new Map<string, EndpointTable>()
  readonly #listeners = new Map<string, Listener>()
  /** Removed or moved ones that still finish their connections. */
  readonly #leaving = new Set<Listener>()
  /** Changes of one listener happen one after the other: opening a port takes time. */
  readonly #changes = new Map<string, Promise<unknown>>()

  constructor(options: DataPlaneOptions) {
    const { clock, random, log, accessLog } = options
    this.#log = log
    const credentialsFor = options.awsCredentials ?? awsCredentials(clock)
    this.#functionHost = lambda => new FunctionHost(lambda, { clock, log, credentials: credentialsFor(lambda) })
    this.#clock = clock
    const faults = (error: unknown) => log.error('unexpected error on a connection', { error })
    this.#wheel = new TimerWheel(clock, faults)
    this.#tls = new TlsMaterial(clock)
    this.#tls.onChange = ({ connectionsHold }) => this.#renewTls(connectionsHold)
    this.#runtime = {
      clock,
      random,
      wheel: this.#wheel,
      slab: new Slab(),
      tls: this.#tls,
      faults,
      clusters: this.#clusters,
      internalListener: name => this.#listeners.get(name),
      hostsWanted: new HostsWanted(clock, (table, host) => this.onHostWanted(table, host)),
      accessLog: accessLog === undefined ? null : (record: AccessRecord) => accessLog(formatAccessRecord(record)),
      onLocalFailure: options.onLocalFailure ?? (() => {}),
      isDraining: false,
    }
  }

  setListener(table: ListenerTable): Promise<void> {
    return this.#inTurn(table.name, () => this.#setListener(table))
  }

  async #setListener(table: ListenerTable): Promise<void> {
    const current = this.#listeners.get(table.name)
    if (current?.canBecome(table)) return current.swap(table)
    const next = new Listener(table, this.#runtime, current?.stats)
    const isSamePort =
      current !== undefined && !table.isInternal && current.table.address === table.address && current.table.port === table.port
    // On another port the old one serves until the new one is open; on the same port it has to go first.
    if (isSamePort) {
      current.stopAccepting()
      this.#listeners.delete(table.name)
      void this.#retire(current, MOVE_DRAIN_MS)
    }
    await next.open()
    this.#listeners.set(table.name, next)
    if (current && !isSamePort) void this.#retire(current, MOVE_DRAIN_MS)
  }

  async removeListener(name: string, drainMs: number): Promise<void> {
    const listener = await this.#inTurn(name, async () => {
      const current = this.#listeners.get(name)
      this.#listeners.delete(name)
      current?.stopAccepting()
      return current
    })
    // Outside its turn: a new listener of this name need not wait for the old one's connections.
    if (listener) await this.#retire(listener, drainMs)
  }

  async #retire(listener: Listener, drainMs: number): Promise<void> {
    this.#leaving.add(listener)
    await listener.close(drainMs)
    this.#leaving.delete(listener)
  }

  #inTurn<T>(name: string, change: () => Promise<T>): Promise<T> {
    const turn = (this.#changes.get(name) ?? Promise.resolve()).then(change)
    const settled = turn.catch(() => {})
    this.#changes.set(name, settled)
    void settled.then(() => {
      if (this.#changes.get(name) === settled) this.#changes.delete(name)
    })
    return turn
  }

  setCluster(table: ClusterTable): void {
    const current = this.#clusters.get(table.name)
    if (current) {
      current.update(table)
      return
    }
    const { random, faults } = this.#runtime
    const now = () => this.#clock.monotonic()
    const cluster = new Cluster(table, { tls: this.#tls, wheel: this.#wheel, faults, random, now, functionHost: this.#functionHost })
    this.#clusters.set(table.name, cluster)
    const endpoints = this.#earlyEndpoints.get(table.name)
    this.#earlyEndpoints.delete(table.name)
    if (endpoints) cluster.setEndpoints(endpoints)
  }

  removeCluster(name: string): void {
    this.#clusters.get(name)?.close()
    this.#clusters.delete(name)
    this.#earlyEndpoints.delete(name)
  }

  setEndpoints(endpoints: EndpointTable): void {
    const cluster = this.#clusters.get(endpoints.cluster)
    if (cluster) cluster.setEndpoints(endpoints)
    else this.#earlyEndpoints.set(endpoints.cluster, endpoints)
  }

  setIdentity(identity: IdentityMaterial): void {
    this.#tls.setIdentity(identity)
  }

  setWorkloadIdentity(spiffeId: string, identity: IdentityMaterial | null): void {
    this.#tls.setWorkloadIdentity(spiffeId, identity)
    for (const listener of this.#listeners.values()) {
      const { accept } = listener.table
      if (accept.kind === 'mtls' && accept.spiffeId === spiffeId) listener.renewContext()
    }
  }

  setTrust(trust: TrustTable): void {
    this.#tls.setTrust(trust)
  }

  #renewTls(connectionsHold: boolean): void {
    for (const listener of this.#listeners.values()) listener.renewContext()
    if (connectionsHold) return
    for (const cluster of this.#clusters.values()) cluster.renewConnections()
  }

  setRoutes(routes: RouteTable): void {
    for (const listener of this.#listeners.values()) {
      const { table } = listener
      if (table.handler.kind === 'http' && table.handler.routes.name === routes.name)
        listener.swap({ ...table, handler: { ...table.handler, routes } })
    }
    this.#runtime.hostsWanted.arrived(routes.name, host => findVirtualHost(routes, host) !== null)
  }

  hostMissing(routeTable: string, host: string): void {
    this.#runtime.hostsWanted.missing(routeTable, host)
  }

  /**
   * To be called when callers have been told, or had time to be. Requests of peers are then refused, on connections that are open;
   * no new ones are accepted, except from the application beside us. Idle connections are closed last, and in most cases by their callers.
   */
  async drain(timeoutMs: number): Promise<void> {
    this.#runtime.isDraining = true
    for (const listener of this.#listeners.values()) {
      // The application beside us may need its way out until its last request is answered.
      if (listener.table.accept.kind !== 'plain' || !isLoopback(listener.table.address)) listener.stopAccepting()
    }
    const end = this.#clock.monotonic() + timeoutMs
    let quietSince = this.#clock.monotonic()
    let seen = this.#requests()
    for (;;) {
      const now = this.#clock.monotonic()
      const requests = this.#requests()
      if (requests !== seen || this.#busy() > 0) [seen, quietSince] = [requests, now]
      if (now - quietSince >= QUIET_MS || now >= end) break
      await new Promise<void>(resolve => this.#clock.setTimeout(resolve, Math.min(25, end - now)))
    }
    if (this.#busy() > 0) this.#log.warn('draining took too long', { timeoutMs, stillBusy: this.#busy() })
    // Only now: callers have stopped using their idle connections, or were told so on them.
    await Promise.all(
      [...this.#listeners.values()].filter(listener => listener.table.accept.kind !== 'plain').map(listener => listener.close(0)),
    )
  }

  #all(): Listener[] {
    return [...this.#listeners.values(), ...this.#leaving]
  }

  #busy(): number {
    return this.#all().reduce((sum, listener) => sum + listener.busy, 0)
  }

  #requests(): number {
    return this.#all().reduce((sum, { stats }) => sum + stats.opened + stats.classes.reduce((total, count) => total + count, 0), 0)
  }

  counters(): ReadonlyMap<string, number> {
    return collectCounters(this.#listeners.values(), this.#clusters.values())
  }

  async close(): Promise<void> {
    for (const listener of this.#all()) listener.destroy()
    await Promise.all(this.#changes.values())
    for (const listener of this.#all()) listener.destroy()
    for (const cluster of this.#clusters.values()) cluster.close()
    this.#runtime.hostsWanted.close()
    this.#wheel.close()
    this.#listeners.clear()
    this.#clusters.clear()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
