import type { MessageInitShape } from '@bufbuild/protobuf'
import type { NodeSchema } from '../gen/envoy/config/core/v3/base_pb.js'
import type { Backoff } from '../std/backoff.ts'
import type { Clock } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import type { MessageStream } from '../std/message-stream.ts'
import { AdsClient, type AdsClientState } from '../xds/ads-client.ts'
import type { ResourceUpdate } from '../xds/delta-client.ts'
import { CDS, EDS, LDS, RDS, SDS, VHDS } from '../xds/resource-types.ts'
import { compileCluster } from './compile/cluster.ts'
import type { Compiled } from './compile/compiled.ts'
import { compileListener } from './compile/listener.ts'
import { compileRoutes, compileVirtualHost } from './compile/route.ts'
import { compileTrust } from './compile/secret.ts'
import type { DataPlane, IdentityMaterial } from './compile/table.ts'
import { trustSecret } from './compile/tls.ts'
import { Clusters } from './control/clusters.ts'
import { type BoundListeners, Listeners } from './control/listeners.ts'
import { Patience } from './control/patience.ts'
import { Routes } from './control/routes.ts'

/** A resource as it was accepted. */
export interface AcceptedResource {
  readonly typeUrl: string
  readonly name: string
  readonly version: string
  readonly value: Uint8Array
}

export interface ControlOptions {
  readonly data: DataPlane
  readonly node: MessageInitShape<typeof NodeSchema>
  /** Opens an ADS stream. Should wait until the agent has registered the proxy: before that the zone may not know it. */
  readonly connect: (signal: AbortSignal) => MessageStream | Promise<MessageStream>
  readonly clock: Clock
  readonly backoff: Backoff
  readonly log: Log
  /** How long live connections of a removed listener may go on, ms. */
  readonly drainMs: number
  /** The address to bind for a listener, if it is not its own. */
  readonly bindAddress?: (listener: { readonly address: string; readonly port: number }) => string
  /** Something is listening now, or could not be made to. */
  readonly onBound?: (bound: BoundListeners) => void
  /** In whose names it has to answer, by SPIFFE ID; all of them each time. */
  readonly onWanted?: (spiffeIds: ReadonlySet<string>) => void
  /** What `resources()` returns has changed. */
  readonly onAccepted?: () => void
  readonly onState?: (state: AdsClientState) => void
}

/** How long routes wait for the endpoints of their clusters, and listeners for theirs. */
const warmMs = 2000
/** A refusal is read by people; a hundred resources with the same fault need not all be in it. */
const maxRefusalLength = 4000
/** What refers to something comes after it. */
const order = [SDS, CDS, EDS, RDS, VHDS, LDS]
/** To set these again costs connections, or what was learnt about hosts: what comes again unchanged is left alone. */
const keepsState: ReadonlySet<string> = new Set([SDS, CDS, LDS])

/** Turns what the control plane says into what the data plane does, and tells the control plane what could not be done. */
export class Control {
  readonly #options: ControlOptions
  readonly #client: AdsClient
  readonly #clusters: Clusters
  readonly #routes: Routes
  readonly #listeners: Listeners
  readonly #patience: Patience
  /** All that was accepted, by type and name. */
  readonly #accepted = new Map<string, Map<string, { readonly version: string; readonly value: Uint8Array }>>(
    order.map(typeUrl => [typeUrl, new Map()]),
  )

  constructor(options: ControlOptions) {
    this.#options = options
    const { data, clock, log } = options
    this.#client = new AdsClient({
      node: options.node,
      connect: options.connect,
      clock,
      backoff: options.backoff,
      log,
      onUpdate: update => this.#accept(update),
      ...(options.onState ? { onState: options.onState } : {}),
    })
    const subscriptions = this.#client
    this.#patience = new Patience(clock, warmMs, () => this.#advance())
    this.#clusters = new Clusters(data, subscriptions)
    this.#routes = new Routes({ data, clusters: this.#clusters, subscriptions, patience: this.#patience })
    this.#listeners = new Listeners({
      data,
      clusters: this.#clusters,
      routes: this.#routes,
      subscriptions,
      patience: this.#patience,
      clock,
      drainMs: options.drainMs,
      bindAddress: options.bindAddress ?? (({ address }) => address),
      onBound: bound => options.onBound?.(bound),
      onWanted: spiffeIds => options.onWanted?.(spiffeIds),
      // Asked for again, it will be refused: the control plane must not go on believing that it is in force.
      onLateFailure: name => {
        this.#accepted.get(LDS)!.delete(name)
        subscriptions.subscribe(LDS, [name])
      },
    })
    data.onHostWanted = (table, host) => this.#routes.want(table, host)
  }

  /**
   * Puts what was accepted in an earlier life in force, without a control plane. Resolves when every listener that can be bound is. What
   * this version of the proxy cannot read (any more) is left out, and so the control plane will send it.
   */
  async restore(resources: readonly AcceptedResource[]): Promise<void> {
    for (const typeUrl of order) {
      const ofType = resources.filter(resource => resource.typeUrl === typeUrl)
      for (const { name, version, value } of ofType) {
        if (typeUrl === VHDS) this.#routes.ask(name)
        const reasons = this.#put(typeUrl, name, value)
        if (reasons.length > 0) this.#options.log.warn('a saved resource was left out', { type: typeUrl, resource: name, reasons })
        else this.#accepted.get(typeUrl)!.set(name, { version, value })
      }
    }
    this.#advance()
    await this.#listeners.settled([...this.#accepted.get(LDS)!.keys()])
    for (const { listener } of this.#listeners.bound.failures) this.#accepted.get(LDS)!.delete(listener)
    for (const [typeUrl, held] of this.#accepted) {
      this.#client.hold(
        typeUrl,
        [...held].map(([name, { version }]) => [name, version] as const),
      )
    }
  }

  /** Connects, and stays connected. */
  start(): void {
    this.#client.subscribe(SDS, [trustSecret])
    this.#client.subscribe(CDS, '*')
    this.#client.subscribe(LDS, '*')
    this.#client.start()
  }

  setIdentity(identity: IdentityMaterial): void {
    this.#options.data.setIdentity(identity)
    this.#listeners.identityCame(null)
    this.#advance()
  }

  setWorkloadIdentity(spiffeId: string, identity: IdentityMaterial | null): void {
    this.#options.data.setWorkloadIdentity(spiffeId, identity)
    if (identity) this.#listeners.identityCame(spiffeId)
    else this.#listeners.identityWent(spiffeId)
    this.#advance()
  }

  get bound(): BoundListeners {
    return this.#listeners.bound
  }

  /** All that is in force and still wanted, for the disk. */
  resources(): AcceptedResource[] {
    const isWanted = (typeUrl: string, name: string) =>
      typeUrl === EDS
        ? this.#clusters.wantsEndpoints(name)
        : typeUrl === RDS
          ? this.#listeners.wantsRoutes(name)
          : typeUrl === VHDS
            ? this.#routes.wantsHost(name)
            : true
    const resources: AcceptedResource[] = []
    for (const [typeUrl, held] of this.#accepted) {
      for (const [name, { version, value }] of held) {
        if (isWanted(typeUrl, name)) resources.push({ typeUrl, name, version, value })
        else held.delete(name)
      }
    }
    return resources
  }

  /** Ends the stream; what is in force stays. */
  async close(): Promise<void> {
    this.#listeners.close()
    this.#patience.close()
    await this.#client.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** What is good is put in force even if something beside it is not: the control plane does not send it twice.
   *  https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#ack-nack-and-resource-type-instance-version */
  async #accept({ typeUrl, added, removed }: ResourceUpdate): Promise<string | null> {
    const held = this.#accepted.get(typeUrl)
    if (!held) return `resources of type ${typeUrl} were not asked for`
    const refused: string[] = []
    const fresh: string[] = []
    for (const { name, version, value } of added) {
      if (value === undefined) {
        this.#remove(typeUrl, name)
        continue
      }
      const before = held.get(name)
      const isKnown = keepsState.has(typeUrl) && before !== undefined && Buffer.compare(before.value, value) === 0
      const reasons = isKnown ? [] : this.#put(typeUrl, name, value)
      if (reasons.length > 0) refused.push(...reasons.map(reason => `${name}: ${reason}`))
      else {
        held.set(name, { version, value })
        fresh.push(name)
      }
    }
    for (const name of removed) this.#remove(typeUrl, name)
    this.#advance()
    if (typeUrl === LDS) {
      const failures = await this.#listeners.settled(fresh)
      for (const { listener, reason } of failures) {
        held.delete(listener)
        refused.push(`${listener}: ${reason}`)
      }
    }
    if (fresh.length > 0 || removed.length > 0) this.#options.onAccepted?.()
    if (refused.length === 0) return null
    this.#options.log.warn('configuration was refused', { type: typeUrl, reasons: refused })
    return refused.join('; ').slice(0, maxRefusalLength)
  }

  /** Reasons to refuse it; none = it is in force, or waits for what it needs. */
  #put(typeUrl: string, name: string, value: Uint8Array): readonly string[] {
    switch (typeUrl) {
      case SDS:
        return take(compileTrust(value), trust => {
          this.#options.data.setTrust(trust)
          this.#listeners.trustCame()
        })
      case CDS:
        return take(
          compileCluster(value),
          cluster => this.#clusters.set(cluster),
          cluster => sameName(name, cluster.table.name),
        )
      case EDS:
        return this.#clusters.setEndpoints(name, value)
      case RDS:
        return take(
          compileRoutes(value),
          routes => this.#routes.set(routes),
          routes => sameName(name, routes.name),
        )
      case VHDS:
        return take(compileVirtualHost(value), host => this.#routes.setHost(name, host))
      default:
        return take(
          compileListener(value),
          listener => this.#listeners.set(listener),
          listener => sameName(name, listener.name),
        )
    }
  }

  /** Endpoints, routes and bundles go with what names them: without a successor they stay. */
  #remove(typeUrl: string, name: string): void {
    if (typeUrl !== LDS && typeUrl !== CDS && typeUrl !== VHDS) return
    const had = this.#accepted.get(typeUrl)!.delete(name)
    if (typeUrl === VHDS) this.#routes.setHost(name, undefined)
    else if (typeUrl === CDS && had) this.#clusters.remove(name)
    else if (typeUrl === LDS) {
      // Its connections may take their time; the answer to the control plane does not wait for them.
      this.#listeners.remove(name).catch(error => this.#options.log.warn('a listener was not removed cleanly', { listener: name, error }))
    }
  }

  #advance(): void {
    this.#routes.advance()
    this.#listeners.advance()
  }
}

function take<T>(compiled: Compiled<T>, apply: (value: T) => void, check: (value: T) => readonly string[] = () => []): readonly string[] {
  if (compiled.kind === 'rejected') return compiled.reasons
  const reasons = check(compiled.value)
  if (reasons.length === 0) apply(compiled.value)
  return reasons
}

function sameName(resource: string, inside: string): readonly string[] {
  return resource === inside ? [] : [`its own name is ${JSON.stringify(inside)}`]
}
