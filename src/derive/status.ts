import type { Dataplane } from '../model/kinds/dataplane.ts'
import { inboundName } from '../model/kinds/dataplane.ts'
import type { MeshExternalServiceStatus } from '../model/kinds/mesh-external-service.ts'
import type { MeshMultiZoneService } from '../model/kinds/mesh-multi-zone-service.ts'
import type { MeshService, MeshServiceSpec, MeshServiceStatus } from '../model/kinds/mesh-service.ts'
import { zoneLabel } from '../model/labels.ts'
import { displayNameOf } from '../model/names.ts'
import { selectsDataplane, targetedInbound } from '../model/service-instances.ts'
import { matchesLabels } from '../model/target-ref.ts'
import type { HostnameStatus } from './hostname-table.ts'
import type { Vip } from './vip-table.ts'

/** Instances of a service in its own zone. */
export interface ProxyCounts {
  readonly connected: number
  /** Those whose every inbound behind a port of the service is ready. */
  readonly healthy: number
  readonly total: number
}

export interface InstanceFacts {
  readonly isConnected: (dataplane: Dataplane) => boolean
  readonly isReady: (dataplane: Dataplane, inbound: string) => boolean
}

/** Counts the instances of a service among the Dataplanes of its mesh and zone. */
export function countProxies(
  service: { readonly spec: MeshServiceSpec },
  dataplanes: Iterable<Dataplane>,
  facts: InstanceFacts,
): ProxyCounts {
  let [connected, healthy, total] = [0, 0, 0]
  for (const dataplane of dataplanes) {
    if (!selectsDataplane(service.spec, dataplane)) continue
    total++
    if (facts.isConnected(dataplane)) connected++
    const inbounds = (service.spec.ports ?? []).map(port => targetedInbound(dataplane, port)).filter(inbound => inbound !== undefined)
    if (inbounds.length > 0 && inbounds.every(inbound => facts.isReady(dataplane, inboundName(inbound)))) healthy++
  }
  return { connected, healthy, total }
}

/** A service is available while an instance of it is healthy. */
export function availability(counts: ProxyCounts): 'Available' | 'Unavailable' {
  return counts.healthy > 0 ? 'Available' : 'Unavailable'
}

/** By which names and under which address a zone knows a service. */
export interface Naming {
  readonly hostnames: HostnameStatus
  readonly vip: Vip
}

/** The part of a status that says so; it is all that a zone says of another zone's MeshService. */
export type NamingStatus = Pick<MeshServiceStatus, 'addresses' | 'hostnameGenerators' | 'vips' | 'conditions'>

/** null = the service is not registered yet. */
export function namingStatus(naming: Naming | null): NamingStatus {
  if (naming === null) return { addresses: [], hostnameGenerators: [] }
  const { hostnames, vip } = naming
  return { ...hostnames, ...(vip.kind === 'assigned' ? { vips: [{ ip: vip.ip }] } : {}), ...vipConditions(vip) }
}

export function externalServiceStatus({ hostnames, vip }: Naming): MeshExternalServiceStatus {
  return { ...hostnames, vip: vip.kind === 'assigned' ? { ip: vip.ip } : {}, ...vipConditions(vip) }
}

export function meshServiceStatus(service: MeshService, counts: ProxyCounts, naming: NamingStatus): MeshServiceStatus {
  return {
    ...naming,
    tls: { status: (service.spec.identities?.length ?? 0) > 0 ? 'Ready' : 'NotReady' },
    dataplaneProxies: { ...counts },
  }
}

/** The MeshServices of a mesh that a MeshMultiZoneService is made of, by zone and name. */
export function membersOf(service: MeshMultiZoneService, meshServices: Iterable<MeshService>): MeshService[] {
  const members = [...meshServices].filter(
    it => it.mesh === service.mesh && matchesLabels(it, service.spec.selector.meshService.matchLabels),
  )
  return members.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))
}

export function multiZoneServiceStatus(members: readonly MeshService[], naming: NamingStatus): NonNullable<MeshMultiZoneService['status']> {
  return {
    ...naming,
    meshServices: members.map(member => {
      const zone = member.labels[zoneLabel]
      return { name: displayNameOf(member), ...(zone === undefined ? {} : { zone }), mesh: member.mesh }
    }),
  }
}

/** Said only when something is wrong: Kuma has no such condition, and a status without it is as Kuma writes it. */
function vipConditions(vip: Vip) {
  if (vip.kind === 'assigned') return {}
  return { conditions: [{ type: 'VipAssigned', status: 'False' as const, reason: 'RangeExhausted', message: vip.reason }] }
}

function sortKey(service: MeshService): string {
  return `${service.labels[zoneLabel] ?? ''}/${displayNameOf(service)}`
}
