import type { MeshService } from '../../../model/kinds/mesh-service.ts'
import { portName } from '../../../model/kinds/mesh-service.ts'
import type { ServiceCapacity } from '../../../model/kinds/service-capacity.ts'
import { kriOf } from '../../../model/kri.ts'
import { zoneLabel } from '../../../model/labels.ts'
import { displayNameOf } from '../../../model/names.ts'
import type { ServiceRow, StoredService } from '../schema/service.ts'
import type { ServiceGroup } from './service-groups.ts'

type StoredMember = StoredService['zones'][number]

export interface ServiceInput {
  readonly group: ServiceGroup
  readonly capacityOf: (mesh: string, zone: string, service: string) => ServiceCapacity | undefined
  /** Whether nothing is heard of a zone. */
  readonly isSilent: (zone: string) => boolean
  readonly ownZone: string
  readonly previous: StoredService | undefined
  /** RFC 3339: when its state began, if that is new. */
  readonly changedAt: string
}

/** A service over all of its zones. Rows of a union stand for its members, however these are called. */
export function serviceRow({ group, capacityOf, isSilent, ownZone, previous, changedAt }: ServiceInput): StoredService {
  const { mesh, name, union } = group
  const members = group.members
    .map(service => memberOf(service, service.labels[zoneLabel] ?? ownZone, capacityOf, isSilent))
    .sort((a, b) => compare(a.zone, b.zone) || compare(a.service, b.service))
  const told = members.filter(member => member.state !== 'unknown')
  const sum = (field: 'healthy' | 'total') => told.reduce((total, member) => total + member[field], 0)
  const state = stateOf(members)
  const namesake = union ?? group.members.find(service => service.labels[zoneLabel] === ownZone) ?? group.members[0]!
  return {
    mesh,
    name,
    kri: kriOf(namesake),
    kind: union ? 'MeshMultiZoneService' : 'MeshService',
    state,
    since: previous?.state === state ? previous.since : changedAt,
    healthy: sum('healthy'),
    total: sum('total'),
    zones: members,
    ports: portsOf(group),
    hostnames: [...new Set((union ? [union] : group.members).flatMap(it => it.status?.addresses ?? []).map(({ hostname }) => hostname))],
    owner: ownerOf([...(union ? [union] : []), ...group.members]),
  }
}

function memberOf(
  service: MeshService,
  zone: string,
  capacityOf: ServiceInput['capacityOf'],
  isSilent: ServiceInput['isSilent'],
): StoredMember {
  // Status stays in the zone that made it and at global; other zones are told the capacity.
  const counts = service.status?.dataplaneProxies ?? capacityOf(service.mesh, zone, displayNameOf(service))?.spec
  const [healthy, total] = [counts?.healthy ?? 0, counts?.total ?? 0]
  const state = counts === undefined || isSilent(zone) ? 'unknown' : total === 0 ? 'empty' : healthy > 0 ? 'available' : 'unavailable'
  return {
    zone,
    service: displayNameOf(service),
    kri: kriOf(service),
    healthy,
    total,
    state,
    published: service.spec.state === 'Available',
  }
}

function stateOf(members: readonly StoredMember[]): ServiceRow['state'] {
  const told = members.filter(member => member.state !== 'unknown')
  if (told.length === 0) return members.length === 0 ? 'empty' : 'unknown'
  if (told.every(member => member.state === 'empty')) return 'empty'
  if (told.every(member => member.state !== 'available')) return 'unavailable'
  return told.some(member => member.state === 'unavailable') ? 'degraded' : 'available'
}

function portsOf({ union, members }: ServiceGroup): ServiceRow['ports'] {
  const ports = new Map<string, ServiceRow['ports'][number]>()
  for (const port of union ? union.spec.ports : members.flatMap(service => service.spec.ports ?? [])) {
    if (!ports.has(portName(port)))
      ports.set(portName(port), { name: portName(port), port: port.port, protocol: port.appProtocol ?? 'tcp' })
  }
  return [...ports.values()]
}

/** Where people write whose it is. */
const ownerLabels = ['skerry.io/owner', 'owner', 'team']

function ownerOf(resources: readonly { readonly labels: Readonly<Record<string, string>> }[]): string | null {
  for (const label of ownerLabels) for (const { labels } of resources) if (labels[label]) return labels[label]
  return null
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
