import type { MeshMultiZoneService } from '../../../model/kinds/mesh-multi-zone-service.ts'
import type { MeshService } from '../../../model/kinds/mesh-service.ts'
import type { ServiceCapacity } from '../../../model/kinds/service-capacity.ts'
import { managedByLabel, managedBySkerry, zoneLabel } from '../../../model/labels.ts'
import type { Registry } from '../../../registry/registry.ts'
import type { Clock } from '../../../std/clock.ts'
import type { EventType } from '../schema/event.ts'
import type { StoredService } from '../schema/service.ts'
import type { ChangeLog } from './change-log.ts'
import type { Events } from './events.ts'
import type { Problems } from './problems.ts'
import { type ServiceGroup, ServiceGroups } from './service-groups.ts'
import { aboutService, diagnoseService } from './service-problems.ts'
import { serviceRow } from './service-row.ts'
import { Table } from './table.ts'
import { serviceKeys, serviceTally, Tally } from './tally.ts'

interface Options {
  readonly registry: Pick<Registry, 'get' | 'list' | 'byLabel'>
  readonly clock: Pick<Clock, 'now'>
  readonly log: ChangeLog
  readonly problems: Problems
  readonly events: Events
  readonly silentSince: (zone: string) => number | null
  readonly ownZone: string
}

const worst: readonly StoredService['state'][] = ['unavailable', 'degraded', 'empty', 'unknown', 'available']

/** Every service over all zones, kept as its parts change. */
export class Services {
  readonly table = new Table<StoredService>({
    id: row => `${row.mesh}/${row.name}`,
    mesh: row => row.mesh,
    text: row => `${row.name} ${row.hostnames.join(' ')} ${row.owner ?? ''}`,
    filters: {
      mesh: row => row.mesh,
      zone: row => [...new Set(row.zones.map(({ zone }) => zone))],
      state: row => row.state,
      kind: row => row.kind,
      protocol: row => [...new Set(row.ports.map(({ protocol }) => protocol))],
      owner: row => row.owner ?? '',
      name: row => row.name,
    },
    sorts: {
      name: row => row.name,
      mesh: row => row.mesh,
      // The worst first.
      state: row => worst.indexOf(row.state),
      healthy: row => row.healthy,
      total: row => row.total,
      zones: row => row.zones.length,
      since: row => row.since,
      owner: row => row.owner,
    },
    order: 'mesh,name',
  })
  readonly tally = serviceTally()
  /** Members, by zone. */
  readonly inZones = new Tally(() => ({ total: 0, available: 0 }))
  readonly #options: Options
  readonly #groups: ServiceGroups
  readonly #capacities = new Map<string, ServiceCapacity>()
  readonly #dirty = new Set<string>()
  /** A mesh or zone of which the counts changed. */
  onCounts: (mesh: string, zone: string) => void = () => {}

  constructor(options: Options) {
    this.#options = options
    this.#groups = new ServiceGroups(options.registry)
  }

  onService(now: MeshService | undefined, before: MeshService | undefined): void {
    for (const id of this.#groups.service(now, before)) this.touch(id)
  }

  onUnion(now: MeshMultiZoneService | undefined, before: MeshMultiZoneService | undefined): void {
    for (const id of this.#groups.union(now, before)) this.touch(id)
  }

  onCapacity(now: ServiceCapacity | undefined, before: ServiceCapacity | undefined): void {
    for (const [capacity, isThere] of [
      [before, false],
      [now, true],
    ] as const) {
      if (!capacity) continue
      const key = capacityKey(capacity.mesh, this.#zoneOf(capacity), capacity.spec.service)
      if (isThere) this.#capacities.set(key, capacity)
      else this.#capacities.delete(key)
      // Whatever has the service as a member, under which name ever.
      const id = `${capacity.mesh}/${capacity.spec.service}`
      this.touch(id)
      for (const service of this.#groups.group(id)?.members ?? [])
        for (const other of this.#groups.service(service, service)) this.touch(other)
    }
  }

  /** Looks at one again, by `mesh/name`, at the next `settle`. */
  touch(id: string): void {
    this.#dirty.add(id)
  }

  /** Brings the rows to what is known. */
  settle(): void {
    for (const id of this.#dirty) this.#refresh(id)
    this.#dirty.clear()
  }

  #refresh(id: string): void {
    const { silentSince, ownZone, clock, log, problems } = this.#options
    const previous = this.table.get(id)
    const group = this.#groups.group(id)
    if (!group) {
      if (!previous) return
      this.table.delete(id)
      this.#recount(previous, undefined)
      log.record('services', id, previous.mesh)
      problems.set(`service/${id}`, { problems: [], nextAt: null })
      return
    }
    const row = serviceRow({
      group,
      capacityOf: (mesh, zone, service) => this.#capacities.get(capacityKey(mesh, zone, service)),
      isSilent: zone => silentSince(zone) !== null,
      ownZone,
      previous,
      changedAt: this.#changedAt(group, previous),
    })
    if (this.table.put(row)) {
      this.#recount(previous, row)
      log.record('services', id, row.mesh)
      this.#tellEvents(previous, row)
    }
    const hadInstances = group.members.some(service => service.labels[managedByLabel] === managedBySkerry)
    problems.set(`service/${id}`, diagnoseService(row, clock.now(), hadInstances))
  }

  /** Of what is there at the start it is not known since when it is so: not before it was written last. */
  #changedAt({ members, union }: ServiceGroup, previous: StoredService | undefined): string {
    const now = new Date(this.#options.clock.now()).toISOString()
    if (previous) return now
    const written = [...members, ...(union ? [union] : [])].map(({ modificationTime }) => modificationTime).sort()
    return written.at(-1) || now
  }

  #recount(previous: StoredService | undefined, next: StoredService | undefined): void {
    for (const [sign, row] of [
      [-1, previous],
      [1, next],
    ] as const) {
      if (!row) continue
      this.tally.add(sign, { mesh: row.mesh }, serviceKeys(row))
      this.onCounts(row.mesh, '')
      // A union's members are counted under their own names.
      for (const { zone, service, state } of row.zones) {
        if (service !== row.name) continue
        this.inZones.add(sign, { zone }, state === 'available' ? ['total', 'available'] : ['total'])
        this.onCounts(row.mesh, zone)
      }
    }
  }

  /** What fell and what came back; a zone that only fell silent or has just got its first instance did neither. */
  #tellEvents(previous: StoredService | undefined, row: StoredService): void {
    if (!previous) return
    const zones = row.zones.map(({ zone, healthy, total }) => `${zone || '-'} ${healthy}/${total}`).join(', ') || 'no instance'
    const add = (type: EventType, what: string) =>
      this.#options.events.add({ type, ...aboutService(row), message: `service ${row.name} ${what} (${zones})` })
    const before = new Map(previous.zones.map(member => [member.kri, member.state]))
    const fell = row.zones.filter(({ kri, state }) => before.get(kri) === 'available' && state !== 'available' && state !== 'unknown')
    const rose = row.zones.filter(
      ({ kri, state }) => (before.get(kri) ?? 'empty') !== 'unknown' && before.get(kri) !== 'available' && state === 'available',
    )
    const isServing = row.state === 'available' || row.state === 'degraded'
    const wasServing = previous.state === 'available' || previous.state === 'degraded'
    if (!isServing && row.state !== 'unknown' && wasServing) add('service.unavailable', 'has no healthy instance')
    else if (isServing && fell.length > 0) add('service.degraded', `has no healthy instance in ${fell.map(({ zone }) => zone).join(', ')}`)
    else if (isServing && rose.length > 0) add('service.available', `has healthy instances in ${rose.map(({ zone }) => zone).join(', ')}`)
  }

  #zoneOf(resource: { readonly labels: Readonly<Record<string, string>> }): string {
    return resource.labels[zoneLabel] ?? this.#options.ownZone
  }
}

function capacityKey(mesh: string, zone: string, service: string): string {
  return `${mesh}/${zone}/${service}`
}
