import { isDeepStrictEqual } from 'node:util'
import type { Lambda } from '../../model/kinds/dataplane.ts'
import type { ClusterTable, EndpointTable, HostConfig } from '../compile/table.ts'
import type { FunctionHost } from '../lambda/function-host.ts'
import { type Cursor, type Level, pickHost } from './balancer.ts'
import type { HostPool } from './channel.ts'
import { mayEject, type Outcome } from './ejection.ts'
import type { Failure } from './failure.ts'
import { Host, hostKey } from './host.ts'
import { Http2Pool } from './http2-pool.ts'
import { Pool, type PoolContext, type PoolUsage } from './pool.ts'
import { panicking, pickByShare, priorityShares } from './priority.ts'

export type UpstreamContext = Pick<PoolContext, 'tls' | 'wheel' | 'faults' | 'random' | 'now'> & {
  /** Makes a host of a function. */
  readonly functionHost: (lambda: Lambda) => FunctionHost
}

/** What one moment's health means: shares of traffic, and hosts to choose from. */
interface View {
  readonly shares: readonly number[]
  readonly levels: readonly Level[]
  /** When time alone changes it, ms of the monotonic clock. */
  readonly untilMs: number
}

export class ClusterStats {
  /** Requests by status class; 0 = broken off. */
  readonly classes = [0, 0, 0, 0, 0, 0]
  readonly failures = new Map<Failure, number>()
  retries = 0
  ejections = 0
}

/** While a host slow-starts, weights are computed again this often. */
const RAMP_STEP_MS = 100

/** A cluster at run time: its hosts by address, who of them gets the next request, and how they fare. */
export class Cluster {
  readonly name: string
  readonly stats = new ClusterStats()
  readonly usage: PoolUsage = { connections: 0, pending: 0 }
  /** Requests and tunnels under way. */
  active = 0
  retrying = 0
  #table: ClusterTable
  /** In the place of every host. */
  #function: FunctionHost | null
  readonly #context: UpstreamContext
  #hosts = new Map<string, Host>()
  /** When there was a host for the first time. */
  #firstHostMs = Number.POSITIVE_INFINITY
  #priorities: readonly (readonly Host[])[] = []
  #overprovisioning = 1.4
  #view: View | null = null
  readonly #cursors: Cursor[] = []

  constructor(table: ClusterTable, context: UpstreamContext) {
    this.name = table.name
    this.#table = table
    this.#context = context
    this.#function = table.lambda ? context.functionHost(table.lambda) : null
  }

  get table(): ClusterTable {
    return this.#table
  }

  get hosts(): Iterable<Host> {
    return this.#hosts.values()
  }

  update(table: ClusterTable): void {
    const isOtherFunction = !isDeepStrictEqual(this.#table.lambda, table.lambda)
    const renews = isOtherFunction || !isSameTls(this.#table.tls, table.tls)
    const isOtherVersion = this.#table.http2 !== table.http2
    this.#table = table
    this.#view = null
    for (const host of this.#hosts.values()) {
      if (isOtherVersion) {
        host.pool.close()
        host.pool = this.#makePool(host)
      } else if (renews) host.pool.renew()
    }
    if (isOtherFunction) {
      this.#function?.close()
      this.#function = table.lambda ? this.#context.functionHost(table.lambda) : null
    }
  }

  setEndpoints(endpoints: EndpointTable): void {
    const now = this.#context.now()
    const before = this.#hosts
    const hosts = new Map<string, Host>()
    // Hosts that come while the whole set is new find nothing warm that load would better stay on.
    const isSettled = now - this.#firstHostMs >= this.#table.slowStartMs
    this.#priorities = endpoints.priorities.map(configs =>
      configs.flatMap(config => {
        const key = hostKey(config)
        // An address belongs to the first priority that names it.
        if (hosts.has(key)) return []
        const known = before.get(key)
        const host = known ?? new Host(config, created => this.#makePool(created))
        if (known) this.#reconfigure(known, config, now)
        else if (isSettled) host.rampFromMs = now
        hosts.set(key, host)
        return [host]
      }),
    )
    this.#hosts = hosts
    if (hosts.size > 0) this.#firstHostMs = Math.min(this.#firstHostMs, now)
    this.#overprovisioning = endpoints.overprovisioning
    this.#view = null
    for (const [key, host] of before) if (!hosts.has(key)) this.#retire(host)
  }

  #reconfigure(host: Host, config: HostConfig, now: number): void {
    const was = host.config.state
    host.config = config
    if (was !== 'healthy' && config.state === 'healthy') {
      // Who says so has seen more of it than our record of failures.
      if (host.ejection.isEjected) host.ejection.end(now)
      host.rampFromMs = now
    }
    // We close, not the host: so no request meets its close on the way.
    if (config.state === 'draining') host.pool.renew()
  }

  #retire(host: Host): void {
    host.isRemoved = true
    host.pool.close()
  }

  /** New certificate or trust: connections made before are not used again. */
  renewConnections(): void {
    if (this.#table.tls !== null) for (const host of this.#hosts.values()) host.pool.renew()
  }

  close(): void {
    for (const host of this.#hosts.values()) this.#retire(host)
    this.#function?.close()
  }

  /**
   * The host for the next try, or null when there is none at all. `tried` are avoided as long as there is any other: a usable one first,
   * of another priority if need be, then one that is thought dead, then one that was tried before.
   * @param isLast nothing comes after this try: if all so far were of one priority it goes to another one, for a priority may be gone as a whole
   */
  choose(tried: readonly Host[] = [], isLast = false): Host | null {
    const now = this.#context.now()
    if (this.#view === null || now >= this.#view.untilMs) this.#view = this.#look(now)
    const { shares, levels } = this.#view
    const drawn = shares[0]! >= 1 ? 0 : pickByShare(shares, this.#context.random.next())
    if (drawn < 0) return null
    if (tried.length === 0) return this.#pick(levels[drawn]!, drawn)
    const others = levels.map(level => without(level, tried))
    const isExhausted = (priority: number) =>
      others[priority]!.hosts.length === 0 || (isLast && this.#priorities[priority]!.some(host => tried.includes(host)))
    const order = [drawn, ...levels.keys()]
    const priority = order.find(candidate => !isExhausted(candidate)) ?? order.find(candidate => others[candidate]!.hosts.length > 0)
    if (priority !== undefined) return this.#pick(others[priority]!, priority)
    return this.#anyOther(tried) ?? this.#pick(levels[drawn]!, drawn)
  }

  #pick(level: Level, priority: number): Host | null {
    if (level.hosts.length === 0) return null
    this.#cursors[priority] ??= { at: Math.floor(this.#context.random.next() * 1024) }
    return pickHost(level, this.#table.balancer, this.#cursors[priority]!, this.#context.random)
  }

  #anyOther(tried: readonly Host[]): Host | null {
    for (const hosts of this.#priorities) {
      const others = hosts.filter(host => host.config.state !== 'draining' && !tried.includes(host))
      if (others.length > 0) return others[Math.floor(this.#context.random.next() * others.length)]!
    }
    return null
  }

  #look(now: number): View {
    const { slowStartMs, panicPercent } = this.#table
    let untilMs = Number.POSITIVE_INFINITY
    const usable = this.#priorities.map(hosts =>
      hosts.filter(host => {
        const { ejection } = host
        if (ejection.isEjected && now >= ejection.untilMs) {
          host.rampFromMs = ejection.untilMs
          ejection.end(now)
        }
        if (ejection.isEjected) untilMs = Math.min(untilMs, ejection.untilMs)
        return host.isUsable
      }),
    )
    const ramps = usable.map(hosts => hosts.map(host => host.ramp(now, slowStartMs)))
    if (ramps.some(level => level.some(ramp => ramp < 1))) untilMs = Math.min(untilMs, now + RAMP_STEP_MS)

    const share = (part: number, priority: number) => {
      const all = this.#priorities[priority]!.length
      return all === 0 ? 0 : part / all
    }
    const health = usable.map((hosts, priority) => share(hosts.length, priority))
    const ramped = ramps.map((level, priority) => share(sum(level), priority))
    const panics = panicking(health, this.#overprovisioning, panicPercent)
    const levels = this.#priorities.map((hosts, priority) => {
      const panic = panics[priority]!
      const chosen = panic ? hosts.filter(host => host.config.state !== 'draining') : usable[priority]!
      const weights = chosen.map(host => host.config.weight * (panic ? 1 : host.ramp(now, slowStartMs)))
      return { hosts: chosen, weights: weights.every(weight => weight === weights[0]) ? null : weights }
    })
    const shares = priorityShares(ramped, this.#overprovisioning)
    if (shares.some(value => value > 0)) return { shares, levels, untilMs }
    // Nobody is healthy: a request that may fail is better than one that must.
    const everybody = this.#priorities.map(hosts => ({ hosts: hosts.filter(host => host.config.state !== 'draining'), weights: null }))
    const first = everybody.findIndex(({ hosts }) => hosts.length > 0)
    return { shares: everybody.map((_, priority) => (priority === first ? 1 : 0)), levels: everybody, untilMs }
  }

  /** How a try fared that began at `startedMs`. */
  report(host: Host, outcome: Outcome, startedMs: number): void {
    const rules = this.#table.outlier
    const now = this.#context.now()
    if (outcome === 'success' && host.ejection.isEjected && host.ejection.isNewsFrom(startedMs)) {
      // Tried because nobody else was left, and it works again.
      host.ejection.end(now)
      host.rampFromMs = now
      this.#view = null
    }
    if (rules === null) return
    const isBad = host.ejection.record(outcome, rules)
    if (!isBad || host.ejection.isEjected || host.isRemoved) return
    let ejected = 0
    for (const other of this.#hosts.values()) if (other.ejection.isEjected) ejected++
    if (!mayEject(ejected, this.#hosts.size, rules)) return
    host.ejection.eject(now, rules)
    this.stats.ejections++
    this.#view = null
  }

  admits(): boolean {
    return this.active < this.#table.limits.maxRequests
  }

  admitsRetry(): boolean {
    return this.retrying < this.#table.limits.maxRetries
  }

  countFailure(failure: Failure): void {
    this.stats.failures.set(failure, (this.stats.failures.get(failure) ?? 0) + 1)
  }

  #makePool(host: Host): HostPool {
    const context = this.#poolContext(host)
    return this.#table.http2 ? new Http2Pool(context) : new Pool(context)
  }

  #poolContext(host: Host): PoolContext {
    const { tls, wheel, faults, random, now } = this.#context
    return {
      tls,
      wheel,
      faults,
      random,
      now,
      usage: this.usage,
      limits: () => ({
        maxConnections: this.#table.limits.maxConnections,
        maxPending: this.#table.limits.maxPending,
        connectTimeoutMs: this.#table.connectTimeoutMs,
        idleTimeoutMs: this.#table.idleTimeoutMs,
      }),
      target: () => ({
        address: host.address,
        port: host.port,
        tls: this.#table.tls,
        ...(this.#function ? { local: this.#function } : {}),
      }),
    }
  }
}

function isSameTls(a: ClusterTable['tls'], b: ClusterTable['tls']): boolean {
  if (a === null || b === null) return a === b
  return (
    a.sni === b.sni &&
    a.alpn.join() === b.alpn.join() &&
    a.allowedIds.size === b.allowedIds.size &&
    [...a.allowedIds].every(id => b.allowedIds.has(id))
  )
}

function without(level: Level, tried: readonly Host[]): Level {
  const kept = level.hosts.flatMap((host, index) => (tried.includes(host) ? [] : [index]))
  return {
    hosts: kept.map(index => level.hosts[index]!),
    weights: level.weights === null ? null : kept.map(index => level.weights![index]!),
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
