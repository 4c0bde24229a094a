import { kindByName } from '../../../model/kinds/index.ts'
import type { MeshMultiZoneService } from '../../../model/kinds/mesh-multi-zone-service.ts'
import type { MeshService } from '../../../model/kinds/mesh-service.ts'
import type { MeshTrust } from '../../../model/kinds/mesh-trust.ts'
import type { ServiceCapacity } from '../../../model/kinds/service-capacity.ts'
import type { TrustAcknowledgement } from '../../../model/kinds/trust-acknowledgement.ts'
import type { Resource, ResourceKey } from '../../../model/resource.ts'
import type { Registry } from '../../../registry/registry.ts'
import type { Clock } from '../../../std/clock.ts'
import type { Log } from '../../../std/log.ts'
import type { Summary } from '../schema/summary.ts'
import type { Source } from '../schema/zone.ts'
import { ChangeLog } from './change-log.ts'
import { Events } from './events.ts'
import { GlobalConnection } from './global-connection.ts'
import { Health, type StoreState } from './health.ts'
import { Intake } from './intake.ts'
import { Meshes } from './meshes.ts'
import { Problems } from './problems.ts'
import { type InsightOfDataplane, Proxies } from './proxies.ts'
import { Services } from './services.ts'
import { summaryOf } from './summary.ts'
import type { Visibility } from './table.ts'
import { Trusts } from './trusts.ts'
import { Workloads } from './workloads.ts'
import { Writes } from './writes.ts'
import type { GlobalLinkFacts, ZoneLink } from './zone-facts.ts'
import { Zones } from './zones.ts'

export interface DashboardOptions {
  /** Stays its opener's to close. */
  readonly registry: Registry
  readonly clock: Clock
  readonly log: Pick<Log, 'error'>
  /** The zone that this control plane is; '' = global. */
  readonly zone: string
  /** This process; new with every start. */
  readonly instance: string
  readonly version: string
  readonly insightOf: InsightOfDataplane
  /** At global: since when a zone is not connected, Unix ms; null = it is, or may still come back. */
  readonly silentSince?: (zone: string) => number | null
  /** At global: how long after the start a zone may take to come back, ms. */
  readonly returnWithinMs?: number
}

/** Changes that are taken in at one go where somebody waits for them. */
const sliceSize = 2_000
/** Where nobody does: a few milliseconds' worth, so that no request waits longer than that. */
const unwatchedSliceSize = 100

/**
 * What is shown on screens, made of every change of the registry and of the live facts: a change costs what it touches, an answer what it
 * holds. A write pays for a mark; whoever reads calls `settle` first, and without readers what is marked is taken in a little later.
 */
export class DashboardModel {
  readonly changes: ChangeLog
  readonly problems: Problems
  readonly events: Events
  readonly zones: Zones
  readonly services: Services
  readonly workloads: Workloads
  readonly proxies: Proxies
  readonly meshes: Meshes
  readonly #options: DashboardOptions
  readonly #trusts: Trusts
  readonly #writes: Writes
  readonly #health: Health
  readonly #global: GlobalConnection
  readonly #startedAt: string
  readonly #closing: DisposableStack
  readonly #intake: Intake
  /** `mesh/stored name` of Dataplanes to look at again. */
  readonly #dirtyProxies = new Set<string>()
  readonly #dirtyZones = new Set<string>()
  #isSummaryDirty = false

  constructor(options: DashboardOptions) {
    const { registry, clock, zone: ownZone, instance, version } = options
    const silentSince = options.silentSince ?? (() => null)
    this.#options = options
    this.#intake = new Intake(clock, () => this.#settle(unwatchedSliceSize))
    this.#startedAt = new Date(clock.now()).toISOString()
    this.changes = new ChangeLog(instance.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, 12))
    const log = this.changes
    this.problems = new Problems(clock, log, owner => this.#onDue(owner))
    this.events = new Events(clock, log)
    const { problems, events } = this
    this.workloads = new Workloads(log)
    const common = { registry, clock, log, problems, events, silentSince, ownZone }
    this.proxies = new Proxies({ ...common, workloads: this.workloads, insightOf: options.insightOf })
    this.services = new Services(common)
    this.#trusts = new Trusts({ clock, problems, ownZone })
    this.meshes = new Meshes({
      registry,
      log,
      contents: mesh => ({
        services: this.services.tally.ofMesh(mesh),
        proxies: this.proxies.tally.ofMesh(mesh),
        workloads: this.workloads.inMesh(mesh),
        trustDomains: this.#trusts.domainsIn(mesh),
      }),
    })
    this.zones = new Zones({
      ...common,
      version,
      instance,
      contents: {
        proxies: zone => this.proxies.tally.ofZone(zone),
        services: zone => this.services.inZones.ofZone(zone),
        workloads: zone => this.workloads.inZone(zone),
        trust: zone => this.#trusts.ofZone(zone),
      },
    })
    this.#writes = new Writes(events, ownZone)
    this.#health = new Health({ clock, problems, events, zone: ownZone })
    this.#global = new GlobalConnection({ clock, problems, events, zone: ownZone })
    this.problems.onZone = zone => this.#dirtyZones.add(zone)
    this.proxies.onCounts = this.services.onCounts = (mesh, zone) => this.#countsChanged(mesh, zone)

    this.#load()
    this.#closing = this.#follow()
  }

  get mode(): 'global' | 'zone' {
    return this.#options.zone === '' ? 'global' : 'zone'
  }

  /** The zone that this control plane is; '' = global. */
  get ownZone(): string {
    return this.#options.zone
  }

  get registry(): Registry {
    return this.#options.registry
  }

  /** What is told of a Dataplane's proxy may be another now. */
  proxyChanged(mesh: string, name: string): void {
    this.#dirtyProxies.add(`${mesh}/${name}`)
    this.#intake.arm()
  }

  /** At global: a zone's connection, at every change of it, heartbeats included. */
  zoneChanged(link: ZoneLink): void {
    const before = this.zones.onLink(link)
    // The last word of a connection that ended because its zone was deleted.
    if (before === undefined && !link.connected) return
    this.#dirtyZones.add(link.zone)
    if (before?.connected !== link.connected) this.#touchContents(link.zone)
    this.#intake.arm()
  }

  /** At global: somebody deleted the zone. */
  zoneForgotten(zone: string): void {
    this.zones.forget(zone)
    this.#dirtyZones.add(zone)
    this.#touchContents(zone)
    this.#intake.arm()
  }

  /** In a zone: its connection to global. */
  globalChanged(facts: GlobalLinkFacts): void {
    this.#global.set(facts)
    this.#isSummaryDirty = true
    this.#intake.arm()
  }

  /** In a zone: its discovery sources, all of them each time. */
  sourcesChanged(sources: readonly Source[]): void {
    this.zones.sources = sources
    this.#dirtyZones.add(this.ownZone)
    this.#intake.arm()
  }

  /** Whether the store takes what is written. */
  storeChanged(state: StoreState): void {
    if (this.#health.store(state)) this.#intake.arm()
  }

  /** What was found wrong with the audit log; undefined = nothing. */
  auditChanged(broken: string | undefined): void {
    if (this.#health.audit(broken)) this.#intake.arm()
  }

  /** Who made the newest write of a resource, as it should be shown: `user ann`. */
  wroteBy(key: ResourceKey, by: string): void {
    if (!this.#intake.wroteBy(key, by)) this.#writes.wroteBy(key, by)
  }

  /** Takes in what changed since; whoever reads calls it first. After very many changes at once the rest follows a little later. */
  settle(): void {
    this.#settle(sliceSize)
  }

  /** Somebody follows the changes: they are taken in sooner. @returns call it when nobody does any more */
  watch(): () => void {
    const unwatch = this.#intake.watch()
    this.settle()
    return unwatch
  }

  summary(visible: Visibility | undefined): Omit<Summary, 'revision'> {
    const { version, instance } = this.#options
    const { zones, services, workloads, proxies, meshes, problems } = this
    const global = this.#global.row
    return {
      mode: this.mode,
      zone: this.ownZone || null,
      version,
      instance,
      startedAt: this.#startedAt,
      ...summaryOf({ zones, services, workloads, proxies, meshes, problems, global }, visible),
    }
  }

  /** How many proxies the own zone has, for people at global. */
  describe(): { readonly total: number; readonly connected: number; readonly ready: number } {
    this.settle()
    const { total, connected, ready } = this.proxies.tally.ofZone(this.ownZone)
    return { total, connected, ready }
  }

  close(): void {
    this.#intake.close()
    this.#closing[Symbol.dispose]()
    this.problems.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #load(): void {
    for (const resource of this.registry.all()) this.#take(resource, resource, undefined)
    if (this.ownZone) this.#dirtyZones.add(this.ownZone)
    this.#refreshProxies(Number.POSITIVE_INFINITY)
    this.#settleRows()
    this.events.start()
    this.changes.start()
  }

  #follow(): DisposableStack {
    const { registry, clock, returnWithinMs } = this.#options
    const closing = new DisposableStack()
    const unsubscribe = registry.onChange(batch => this.#intake.mark(batch))
    closing.defer(unsubscribe)
    void registry.failed.then(error => this.storeChanged({ kind: 'failed', reason: error.message }))
    if (returnWithinMs !== undefined) {
      const grace = clock.setTimeout(() => this.#graceIsOver(), returnWithinMs + 1)
      closing.defer(() => grace.cancel())
    }
    return closing
  }

  #settle(limit: number): void {
    if (this.#intake.isClosed) return
    this.#intake.begin()
    this.#takeMarked(limit)
    this.#refreshProxies(limit)
    this.#settleRows()
    if (!this.#intake.isEmpty || this.#dirtyProxies.size > 0) this.#intake.arm(0)
  }

  #takeMarked(limit: number): void {
    for (const { key, before, revision, by } of this.#intake.take(limit)) {
      const now = this.registry.get(key)
      if (!now && !before) continue
      try {
        this.#take(key, now, before)
        this.#writes.onChange(now, before, revision, by)
      } catch (error) {
        this.#options.log.error('a change could not be taken into the dashboard', { ...key, error })
      }
    }
  }

  #take({ kind, mesh, name }: ResourceKey, now: Resource | undefined, before: Resource | undefined): void {
    switch (kind) {
      case 'Dataplane':
      case 'DataplaneInsight':
        this.#dirtyProxies.add(`${mesh}/${name}`)
        return
      case 'MeshService':
        this.services.onService(now as MeshService | undefined, before as MeshService | undefined)
        return
      case 'MeshMultiZoneService':
        this.services.onUnion(now as MeshMultiZoneService | undefined, before as MeshMultiZoneService | undefined)
        return
      case 'ServiceCapacity':
        this.services.onCapacity(now as ServiceCapacity | undefined, before as ServiceCapacity | undefined)
        return
      case 'Zone':
      case 'ZoneInsight':
        if (this.mode === 'global') this.#dirtyZones.add(name)
        return
      case 'MeshTrust': {
        const zone = this.#trusts.onTrust(now as MeshTrust | undefined, before as MeshTrust | undefined)
        if (zone) this.#dirtyZones.add(zone)
        this.meshes.touch(mesh)
        return
      }
      case 'TrustAcknowledgement':
        this.#dirtyZones.add(
          this.#trusts.onAcknowledgement(now as TrustAcknowledgement | undefined, before as TrustAcknowledgement | undefined),
        )
        return
      case 'Mesh':
        this.meshes.touch(name)
        this.#isSummaryDirty = true
        return
      case 'MeshIdentity':
        this.meshes.onIdentity(mesh, ((now ? 1 : 0) - (before ? 1 : 0)) as 1 | 0 | -1)
        return
      default:
        if (!kindByName(kind)?.policy) return
        this.meshes.onPolicy(now, before)
        this.#isSummaryDirty = true
        // The order in which callers try zones is made of these when it is asked for: any service of the mesh may read otherwise.
        if (kind === 'MeshLoadBalancingStrategy') this.changes.record('services', '*', mesh)
    }
  }

  #countsChanged(mesh: string, zone: string): void {
    this.#isSummaryDirty = true
    this.meshes.touch(mesh)
    if (zone !== '') this.#dirtyZones.add(zone)
  }

  /** Brings all rows to what is known; those that rest on others come after them. */
  #settleRows(): void {
    this.workloads.settle()
    this.services.settle()
    this.meshes.settle()
    // A zone's row counts its problems, and what is wrong with the zone is one of them.
    for (let round = 0; round < 2; round++) {
      const names = [...this.#dirtyZones]
      this.#dirtyZones.clear()
      for (const name of names) this.zones.refresh(name)
    }
    if (this.#isSummaryDirty) this.changes.record('summary', '', '')
    this.#isSummaryDirty = false
  }

  #refreshProxies(limit: number): void {
    let left = limit
    for (const id of this.#dirtyProxies) {
      if (left-- === 0) return
      this.#dirtyProxies.delete(id)
      const slash = id.indexOf('/')
      this.proxies.refresh(id.slice(0, slash), id.slice(slash + 1))
    }
  }

  #onDue(owner: string): void {
    const slash = owner.indexOf('/')
    const [part, id] = slash < 0 ? [owner, ''] : [owner.slice(0, slash), owner.slice(slash + 1)]
    switch (part) {
      case 'proxy':
        this.#dirtyProxies.add(id)
        break
      case 'service':
        this.services.touch(id)
        break
      case 'zone':
        this.#dirtyZones.add(id)
        break
      case 'trust': {
        const zone = this.#trusts.refresh(id)
        if (zone) this.#dirtyZones.add(zone)
        break
      }
      case 'global':
        this.#global.refresh()
    }
    this.#intake.arm(0)
  }

  /** Zones that have not come back by now count as gone. */
  #graceIsOver(): void {
    const { zones, proxies, services } = this
    this.settle()
    const names = [...zones.table.valuesOf('zone'), ...proxies.zones(), ...services.table.valuesOf('zone')]
    for (const name of new Set(names)) {
      if (this.#options.silentSince?.(name) === null) continue
      this.#dirtyZones.add(name)
      this.#touchContents(name)
    }
    this.#intake.arm(0)
  }

  /** A zone fell silent or came back: all that it told reads otherwise now. */
  #touchContents(zone: string): void {
    for (const id of this.proxies.idsIn(zone)) this.#dirtyProxies.add(id)
    for (const id of this.services.table.idsWith('zone', zone)) this.services.touch(id)
  }
}
