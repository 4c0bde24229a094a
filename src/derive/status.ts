import type { Dataplane } from '../model/kinds/dataplane.ts'
import { inboundName } from '../model/kinds/dataplane.ts'
import type { MeshMultiZoneService } from '../model/kinds/mesh-multi-zone-service.ts'
import type { MeshService, MeshServiceSpec, MeshServiceStatus } from '../model/kinds/mesh-service.ts'
import { zoneLabel } from '../model/labels.ts'
import { displayNameOf } from '../model/names.ts'
import { selectsDataplane, targetedInbound } from '../model/service-instances.ts'
import { matchesLabels } from '../model/target-ref.ts'

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

export function meshServiceStatus(service: MeshService, counts: ProxyCounts, hostnames: readonly string[]): MeshServiceStatus {
  const { vips, hostnameGenerators } = service.status ?? {}
  return {
    addresses: hostnames.map(hostname => ({ hostname, origin: 'HostnameGenerator' })),
    ...(vips === undefined ? {} : { vips }),
    tls: { status: (service.spec.identities?.length ?? 0) > 0 ? 'Ready' : 'NotReady' },
    ...(hostnameGenerators === undefined ? {} : { hostnameGenerators }),
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

export function multiZoneServiceStatus(
  service: MeshMultiZoneService,
  members: readonly MeshService[],
  hostnames: readonly string[],
): NonNullable<MeshMultiZoneService['status']> {
  const { vips } = service.status ?? {}
  return {
    addresses: hostnames.map(hostname => ({ hostname, origin: 'HostnameGenerator' })),
    ...(vips === undefined ? {} : { vips }),
    meshServices: members.map(member => {
      const zone = member.labels[zoneLabel]
      return { name: displayNameOf(member), ...(zone === undefined ? {} : { zone }), mesh: member.mesh }
    }),
  }
}

function sortKey(service: MeshService): string {
  return `${service.labels[zoneLabel] ?? ''}/${displayNameOf(service)}`
}
