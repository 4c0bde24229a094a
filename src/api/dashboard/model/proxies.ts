import type { Dataplane } from '../../../model/kinds/dataplane.ts'
import type { DataplaneInsightSpec } from '../../../model/kinds/dataplane-insight.ts'
import { workloadLabel, zoneLabel } from '../../../model/labels.ts'
import type { Registry } from '../../../registry/registry.ts'
import type { Clock } from '../../../std/clock.ts'
import type { ProxyRow } from '../schema/proxy.ts'
import type { ChangeLog } from './change-log.ts'
import type { Events } from './events.ts'
import { type InstanceSight, instanceEvent } from './instance-events.ts'
import type { Problems } from './problems.ts'
import { aboutOf, diagnoseProxy } from './proxy-problems.ts'
import { hasProxy, notReadyOf, proxyRow } from './proxy-row.ts'
import { Table } from './table.ts'
import { proxyKeys, proxyTally } from './tally.ts'
import type { Instance, Workloads } from './workloads.ts'

/** What is told of a Dataplane's proxy; undefined = no agent has told of it. */
export type InsightOfDataplane = (dataplane: Dataplane) => DataplaneInsightSpec | undefined

interface Options {
  readonly registry: Pick<Registry, 'get'>
  readonly clock: Pick<Clock, 'now'>
  readonly log: ChangeLog
  readonly problems: Problems
  readonly events: Events
  readonly workloads: Workloads
  readonly insightOf: InsightOfDataplane
  /** Unix ms; null = the zone is heard. */
  readonly silentSince: (zone: string) => number | null
  /** Of resources without a zone. */
  readonly ownZone: string
}

const worst: readonly ProxyRow['state'][] = ['NACKED', 'OFFLINE', 'STALE', 'UNKNOWN', 'SYNCED']

/** Every proxy, and what its instance adds to its workload, zone and mesh. */
export class Proxies {
  readonly table = new Table<ProxyRow>({
    id: row => `${row.mesh}/${row.storedName}`,
    mesh: row => row.mesh,
    text: row => `${row.name} ${row.workload ?? ''} ${row.address}`,
    filters: {
      mesh: row => row.mesh,
      zone: row => row.zone,
      state: row => row.state,
      workload: row => row.workload ?? '',
      role: row => row.role,
      ready: row => String(row.ready),
      version: row => row.version ?? '',
      name: row => row.name,
    },
    sorts: {
      name: row => row.name,
      mesh: row => row.mesh,
      zone: row => row.zone,
      // The worst first.
      state: row => worst.indexOf(row.state),
      ready: row => Number(row.ready),
      since: row => row.since,
      workload: row => row.workload,
      role: row => row.role,
      version: row => row.version,
      certificate: row => row.certificate?.notAfter ?? null,
    },
    order: 'mesh,name',
  })
  readonly tally = proxyTally()
  readonly #options: Options
  readonly #instances = new Map<string, Instance>()
  /** Zone → ids of instances that have no row. */
  readonly #agentless = new Map<string, Set<string>>()
  /** Of instances that have no row: as they were seen last. */
  readonly #sights = new Map<string, InstanceSight>()
  /** A mesh or zone of which the counts changed. */
  onCounts: (mesh: string, zone: string) => void = () => {}

  constructor(options: Options) {
    this.#options = options
  }

  /** Every zone that has an instance. */
  zones(): string[] {
    return [...this.table.valuesOf('zone'), ...this.#agentless.keys()]
  }

  /** `mesh/stored name` of every Dataplane of a zone that counts. */
  idsIn(zone: string): string[] {
    return [...this.table.idsWith('zone', zone), ...(this.#agentless.get(zone) ?? [])]
  }

  /** Looks at one Dataplane again: it changed, what is told of it did, or time went by. */
  refresh(mesh: string, name: string): void {
    const { registry, insightOf, silentSince, ownZone, clock, problems } = this.#options
    const id = `${mesh}/${name}`
    const dataplane = registry.get<Dataplane>({ kind: 'Dataplane', mesh, name })
    const previous = this.table.get(id)
    if (!dataplane || !hasProxy(dataplane)) this.#drop(id, previous)
    if (!dataplane) {
      this.#countInstance(id, undefined)
      this.#see(id, undefined)
      return
    }
    const zone = dataplane.labels[zoneLabel] ?? ownZone
    if (!hasProxy(dataplane)) {
      const isKnown = silentSince(zone) === null
      const notReady = notReadyOf(dataplane, insightOf(dataplane))
      this.#countInstance(id, instanceOf(dataplane, zone, { connected: false, ready: isKnown && notReady.length === 0, agentless: true }))
      this.#see(id, { dataplane, zone, notReady })
      return
    }
    const row = proxyRow({ dataplane, zone, insight: insightOf(dataplane), silentSince: silentSince(zone), previous, now: clock.now() })
    if (this.table.put(row)) {
      this.#recount(previous, row)
      this.#options.log.record('proxies', id, mesh)
      this.#tellEvents(previous, row)
    }
    const isTold = row.state !== 'UNKNOWN'
    this.#countInstance(id, instanceOf(dataplane, zone, { connected: isTold && row.connected, ready: row.ready, agentless: false }))
    problems.set(`proxy/${id}`, diagnoseProxy(row, clock.now()))
  }

  #drop(id: string, previous: ProxyRow | undefined): void {
    if (!previous) return
    this.table.delete(id)
    this.#recount(previous, undefined)
    this.#options.log.record('proxies', id, previous.mesh)
    this.#options.problems.set(`proxy/${id}`, { problems: [], nextAt: null })
    this.#options.events.add({ type: 'proxy.removed', ...aboutOf(previous), message: `${previous.name} left the registry` })
  }

  #recount(previous: ProxyRow | undefined, next: ProxyRow | undefined): void {
    for (const [sign, row] of [
      [-1, previous],
      [1, next],
    ] as const) {
      if (!row) continue
      this.tally.add(sign, row, proxyKeys(row))
      this.onCounts(row.mesh, row.zone)
    }
  }

  #see(id: string, sight: InstanceSight | undefined): void {
    const event = instanceEvent(this.#sights.get(id), sight)
    if (event) this.#options.events.add(event)
    if (sight) this.#sights.set(id, sight)
    else this.#sights.delete(id)
  }

  #countInstance(id: string, next: Instance | undefined): void {
    const previous = this.#instances.get(id)
    if (previous && next && same(previous, next)) return
    for (const [sign, instance] of [
      [-1, previous],
      [1, next],
    ] as const) {
      if (!instance) continue
      this.#options.workloads.count(sign, instance)
      if (instance.agentless) this.#markAgentless(sign, instance.zone, id)
      this.onCounts(instance.mesh, instance.zone)
    }
    if (next) this.#instances.set(id, next)
    else this.#instances.delete(id)
  }

  #markAgentless(sign: 1 | -1, zone: string, id: string): void {
    const ids = this.#agentless.get(zone) ?? new Set()
    if (sign === 1) this.#agentless.set(zone, ids.add(id))
    else if (ids.delete(id) && ids.size === 0) this.#agentless.delete(zone)
  }

  #tellEvents(previous: ProxyRow | undefined, row: ProxyRow): void {
    const { events } = this.#options
    const about = aboutOf(row)
    const inZone = row.zone ? ` in zone ${row.zone}` : ''
    if (row.connected && !previous?.connected) {
      events.add({ type: 'proxy.connected', ...about, message: `${row.name} connected${inZone}` })
    } else if (!row.connected && previous?.connected) {
      events.add({ type: 'proxy.disconnected', ...about, message: `${row.name} disconnected${inZone}` })
    }
    const before = new Set(previous?.refused.map(({ type, reason }) => `${type} ${reason}`))
    for (const { type, reason } of row.refused) {
      if (!before.has(`${type} ${reason}`))
        events.add({ type: 'proxy.refused', ...about, message: `${row.name} refused ${type}: ${reason}` })
    }
    if (row.refused.length === 0 && (previous?.refused.length ?? 0) > 0)
      events.add({ type: 'proxy.accepted', ...about, message: `${row.name} accepted its configuration again` })
    const [old, renewed] = [previous?.certificate?.notAfter, row.certificate?.notAfter]
    if (old !== undefined && renewed !== undefined && renewed > old)
      events.add({ type: 'certificate.renewed', ...about, message: `${row.name} has a new certificate, until ${renewed}` })
  }
}

function instanceOf(dataplane: Dataplane, zone: string, rest: Pick<Instance, 'connected' | 'ready' | 'agentless'>): Instance | undefined {
  const workload = dataplane.labels[workloadLabel]
  return workload === undefined ? undefined : { mesh: dataplane.mesh, workload, zone, ...rest }
}

function same(a: Instance, b: Instance): boolean {
  return (
    a.mesh === b.mesh &&
    a.workload === b.workload &&
    a.zone === b.zone &&
    a.connected === b.connected &&
    a.ready === b.ready &&
    a.agentless === b.agentless
  )
}
