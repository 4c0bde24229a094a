import type { Clock, Timer } from '../../std/clock.ts'
import { LDS, RDS } from '../../xds/resource-types.ts'
import type { CompiledListener } from '../compile/listener.ts'
import type { DataPlane, ListenerTable, RouteTable } from '../compile/table.ts'
import type { Clusters } from './clusters.ts'
import type { Patience } from './patience.ts'
import type { Routes } from './routes.ts'
import type { Subscriptions } from './subscriptions.ts'

/** A port that is taken may be given back: by the process before this one, for instance. */
const retryBaseMs = 100
const retryMaxMs = 2000

interface Entry {
  wanted: CompiledListener
  /** The newest that was tried; `wanted` when there is nothing to do. */
  tried: CompiledListener | null
  binding: Promise<void> | null
  isBound: boolean
  failure: string | null
  failures: number
  retry: Timer | null
  /** Somebody is about to answer the control plane with how this ends. */
  isAwaited: boolean
}

export interface BoundListeners {
  readonly listeners: readonly string[]
  readonly failures: readonly { readonly listener: string; readonly reason: string }[]
}

interface Options {
  readonly data: DataPlane
  readonly clusters: Clusters
  readonly routes: Routes
  readonly subscriptions: Subscriptions
  readonly patience: Patience
  readonly clock: Clock
  readonly drainMs: number
  /** The address to bind for one that was configured. */
  readonly bindAddress: (listener: { readonly address: string; readonly port: number }) => string
  readonly onBound: (bound: BoundListeners) => void
  /** In whose names, besides the proxy's, it has to answer: SPIFFE IDs, all of them each time. */
  readonly onWanted: (spiffeIds: ReadonlySet<string>) => void
  /** One that was accepted while it waited for something cannot be bound after all. */
  readonly onLateFailure: (name: string) => void
}

/** Listeners, each set when what it needs is there: its routes, and for mTLS the proxy's certificate and the trusted bundles. */
export class Listeners {
  readonly #options: Options
  readonly #entries = new Map<string, Entry>()
  /** Whose certificates are held: the proxy's own (null), and those of workloads by SPIFFE ID. */
  readonly #identities = new Set<string | null>()
  /** In whose names, besides the proxy's, what is wanted now is answered. */
  #secrets = new Set<string>()
  #hasTrust = false
  #isReporting = false
  #isClosed = false

  constructor(options: Options) {
    this.#options = options
  }

  set(listener: CompiledListener): void {
    const before = this.#entries.get(listener.name)
    if (before) {
      const [old, now] = [routesName(before.wanted), routesName(listener)]
      before.wanted = listener
      before.failures = 0
      before.failure = null
      before.retry?.cancel()
      before.retry = null
      if (now !== null && now !== old && !this.#usesRoutes(now, before)) this.#options.subscriptions.subscribe(RDS, [now])
      if (old !== null && old !== now) this.#releaseRoutes(old)
      return
    }
    const routes = routesName(listener)
    if (routes !== null && !this.wantsRoutes(routes)) this.#options.subscriptions.subscribe(RDS, [routes])
    this.#entries.set(listener.name, {
      wanted: listener,
      tried: null,
      binding: null,
      isBound: false,
      failure: null,
      failures: 0,
      retry: null,
      isAwaited: false,
    })
  }

  async remove(name: string): Promise<void> {
    const entry = this.#entries.get(name)
    if (!entry) return
    this.#entries.delete(name)
    entry.retry?.cancel()
    this.#options.patience.forget(entry)
    const routes = routesName(entry.wanted)
    if (routes !== null) this.#releaseRoutes(routes)
    await entry.binding
    await this.#options.data.removeListener(name, this.#options.drainMs)
    this.#report()
  }

  /** @param spiffeId null = the proxy's own */
  identityCame(spiffeId: string | null): void {
    this.#identities.add(spiffeId)
  }

  identityWent(spiffeId: string): void {
    this.#identities.delete(spiffeId)
  }

  trustCame(): void {
    this.#hasTrust = true
  }

  wantsRoutes(name: string): boolean {
    return this.#usesRoutes(name, null)
  }

  /** Begins to bind whatever has become ready. */
  advance(): void {
    if (this.#isClosed) return
    this.#wantSecrets()
    for (const [name, entry] of this.#entries) {
      if (entry.tried === entry.wanted || entry.binding !== null || entry.retry !== null) continue
      const table = this.#ready(entry)
      if (table) entry.binding = this.#bind(name, entry, table)
    }
  }

  #wantSecrets(): void {
    const secrets = new Set<string>()
    for (const { wanted } of this.#entries.values())
      if (wanted.accept.kind === 'mtls' && wanted.accept.spiffeId !== undefined) secrets.add(wanted.accept.spiffeId)
    if (secrets.size === this.#secrets.size && [...secrets].every(secret => this.#secrets.has(secret))) return
    this.#secrets = secrets
    this.#options.onWanted(secrets)
  }

  /** Waits for those of these that are being bound; says which could not be. */
  async settled(names: readonly string[]): Promise<BoundListeners['failures']> {
    const entries = names.map(name => this.#entries.get(name)).filter(entry => entry !== undefined)
    for (const entry of entries) entry.isAwaited = true
    await Promise.all(entries.map(entry => entry.binding))
    for (const entry of entries) entry.isAwaited = false
    return this.bound.failures.filter(failure => names.includes(failure.listener))
  }

  get bound(): BoundListeners {
    const entries = [...this.#entries]
    return {
      listeners: entries.filter(([, entry]) => entry.isBound).map(([name]) => name),
      failures: entries.flatMap(([listener, entry]) => (entry.failure === null ? [] : [{ listener, reason: entry.failure }])),
    }
  }

  close(): void {
    this.#isClosed = true
    for (const entry of this.#entries.values()) entry.retry?.cancel()
  }

  async #bind(name: string, entry: Entry, table: ListenerTable): Promise<void> {
    entry.tried = entry.wanted
    this.#options.patience.forget(entry)
    const wasFailing = entry.failure !== null
    try {
      await this.#options.data.setListener(table)
      entry.isBound = true
      entry.failure = null
      entry.failures = 0
      // It was refused when it could not be bound; asking again lets the control plane hear that it was accepted after all.
      if (wasFailing) this.#options.subscriptions.subscribe(LDS, [name])
    } catch (error) {
      entry.failure = (error as Error).message
      if (!this.#isClosed && this.#entries.get(name) === entry) {
        if (entry.failures === 0 && !entry.isAwaited) this.#options.onLateFailure(name)
        this.#tryAgain(entry)
      }
    }
    entry.binding = null
    this.#report()
    // Something newer may have come meanwhile.
    this.advance()
  }

  #tryAgain(entry: Entry): void {
    const ms = Math.min(retryMaxMs, retryBaseMs * 2 ** entry.failures++)
    entry.retry = this.#options.clock.setTimeout(() => {
      entry.retry = null
      entry.tried = null
      this.advance()
    }, ms)
  }

  /** What to set, or null while something is missing. */
  #ready(entry: Entry): ListenerTable | null {
    const { name, port, accept, handler, isInternal } = entry.wanted
    if (accept.kind === 'mtls' && !(this.#identities.has(accept.spiffeId ?? null) && this.#hasTrust)) return null
    const at = {
      name,
      address: isInternal ? '' : this.#options.bindAddress(entry.wanted),
      port,
      accept,
      ...(isInternal ? { isInternal } : {}),
    }
    if (handler.kind === 'http') {
      const routes = handler.routes.kind === 'inline' ? handler.routes.table : this.#options.routes.settled(handler.routes.name)
      if (routes === null || !this.#isWarm(entry, clustersOf(routes))) return null
      return { ...at, handler: { kind: 'http', permissions: handler.permissions, routes } }
    }
    const refs = handler.kind === 'tcp' ? handler.clusters : [...handler.chains.values()].flat()
    return this.#isWarm(entry, new Set(refs.map(ref => ref.cluster))) ? { ...at, handler } : null
  }

  #isWarm(entry: Entry, clusters: ReadonlySet<string>): boolean {
    for (const cluster of clusters) if (!this.#options.clusters.isWarm(cluster)) return this.#options.patience.isOver(entry)
    return true
  }

  #usesRoutes(name: string, except: Entry | null): boolean {
    for (const entry of this.#entries.values()) if (entry !== except && routesName(entry.wanted) === name) return true
    return false
  }

  #releaseRoutes(name: string): void {
    if (this.wantsRoutes(name)) return
    this.#options.subscriptions.unsubscribe(RDS, [name])
    this.#options.routes.forget(name)
  }

  /** Of many that come at once one word is said: a zone gateway has hundreds. */
  #report(): void {
    if (this.#isReporting) return
    this.#isReporting = true
    queueMicrotask(() => {
      this.#isReporting = false
      if (!this.#isClosed) this.#options.onBound(this.bound)
    })
  }
}

function routesName({ handler }: CompiledListener): string | null {
  return handler.kind === 'http' && handler.routes.kind === 'rds' ? handler.routes.name : null
}

function clustersOf(routes: RouteTable): Set<string> {
  const hosts = [...routes.exact.values(), ...routes.suffixes.map(({ host }) => host), ...(routes.any ? [routes.any] : [])]
  return new Set(
    hosts.flatMap(host => host.routes).flatMap(({ action }) => (action.kind === 'forward' ? action.clusters.map(ref => ref.cluster) : [])),
  )
}
