import type { MeshService } from '../model/kinds/mesh-service.ts'
import type { ServiceInsightSpec, ServiceStat } from '../model/kinds/service-insight.ts'
import { zoneLabel } from '../model/labels.ts'
import { displayNameOf } from '../model/names.ts'

/** The port that Kuma writes where a service says none. */
const DEFAULT_PORT = 80

/** The services of a mesh under the name that all zones know them by, and whether they answer. */
export function serviceInsight(services: Iterable<MeshService>): ServiceInsightSpec {
  const groups = Map.groupBy(services, displayNameOf)
  return { services: Object.fromEntries([...groups].map(([name, group]) => [name, statOf(name, group)])) }
}

function statOf(name: string, group: readonly MeshService[]): ServiceStat {
  const sum = (pick: (counts: NonNullable<NonNullable<MeshService['status']>['dataplaneProxies']>) => number | undefined) =>
    group.reduce((total, { status }) => total + (pick(status?.dataplaneProxies ?? {}) ?? 0), 0)
  const total = sum(counts => counts.total)
  const online = sum(counts => counts.healthy)
  const zones = [...new Set(group.flatMap(({ labels }) => labels[zoneLabel] ?? []))].sort()
  return {
    status: total === 0 ? 'not_available' : online === 0 ? 'offline' : online < total ? 'partially_degraded' : 'online',
    dataplanes: { total, online, offline: total - online },
    serviceType: 'internal',
    addressPort: addressPort(name, group[0]?.spec.ports?.[0]?.port),
    ...(zones.length > 0 ? { zones } : {}),
  }
}

/** A line of the list: what Kuma adds where it was not written. */
export function completeServiceStat(name: string, stat: ServiceStat): ServiceStat {
  const { dataplanes } = stat
  const total = dataplanes?.total ?? (dataplanes?.online ?? 0) + (dataplanes?.offline ?? 0)
  return {
    ...stat,
    ...(dataplanes ? { dataplanes: { total, ...dataplanes } } : {}),
    addressPort: stat.addressPort ?? addressPort(name, undefined),
  }
}

function addressPort(name: string, port = DEFAULT_PORT): string {
  return `${name}.mesh:${port}`
}
