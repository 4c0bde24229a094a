import { type Dataplane, inboundName } from '../model/kinds/dataplane.ts'
import type { MeshMultiZoneService } from '../model/kinds/mesh-multi-zone-service.ts'
import { type MeshService, portName } from '../model/kinds/mesh-service.ts'
import type { MeshZoneAddress } from '../model/kinds/mesh-zone-address.ts'
import type { ServiceCapacity } from '../model/kinds/service-capacity.ts'
import { zoneLabel } from '../model/labels.ts'
import { displayNameOf } from '../model/names.ts'
import { targetedInbound } from '../model/service-instances.ts'
import type { DataplaneReadiness } from './readiness.ts'

export type EndpointHealth = 'healthy' | 'draining' | 'unhealthy'

/** Where one port of a service is answered. */
export interface ServiceEndpoint {
  /** `instance`: a workload of this zone. `zone`: the gateway of another zone, which leads to all its instances (mutual TLS, by SNI). */
  readonly kind: 'instance' | 'zone'
  /** Of the Dataplane, or of the MeshZoneAddress. */
  readonly name: string
  readonly zone: string
  readonly address: string
  readonly port: number
  /** The service's port that is answered there. */
  readonly service: { readonly name: string; readonly port: number; readonly protocol: string }
  readonly health: EndpointHealth
  /** Why it is not healthy, for people. */
  readonly reason?: string
  /** Share of requests among endpoints of the same service: for a zone, its ready instances' weights. */
  readonly weight: number
  /** Of an instance. */
  readonly labels?: Readonly<Record<string, string>>
  /** Of a zone. */
  readonly instances?: { readonly healthy: number; readonly total: number }
}

/** What the endpoints of a service follow from, beside the service. */
export interface EndpointFacts {
  readonly localZone: string
  readonly instancesOf: (service: MeshService) => readonly Dataplane[]
  readonly readinessOf: (dataplane: Dataplane) => DataplaneReadiness
  readonly addressesOf: (zone: string) => readonly MeshZoneAddress[]
  readonly capacityOf: (service: MeshService) => ServiceCapacity | undefined
}

/** A service's own endpoints or, of a MeshMultiZoneService, those of its members on its own ports; healthy ones first, then by zone and name. */
export function serviceEndpoints(
  service: MeshService | MeshMultiZoneService,
  members: readonly MeshService[],
  facts: EndpointFacts,
): readonly ServiceEndpoint[] {
  const wanted = service.kind === 'MeshService' ? undefined : (service as MeshMultiZoneService).spec.ports
  const endpoints = members.flatMap(member =>
    (member.spec.ports ?? []).flatMap(port => {
      const own = { name: portName(port), port: port.port, protocol: port.appProtocol ?? 'tcp' }
      // A port of the union stands for the member's of the same name, else of the same number.
      const union = wanted?.find(it => portName(it) === own.name) ?? wanted?.find(it => it.port === own.port)
      if (wanted && !union) return []
      const shown = union ? { name: portName(union), port: union.port, protocol: union.appProtocol ?? 'tcp' } : own
      const zone = member.labels[zoneLabel] ?? facts.localZone
      return zone === facts.localZone ? local(member, port, zone, shown, facts) : remote(member, zone, shown, facts)
    }),
  )
  return endpoints.sort(
    (a, b) =>
      rank[a.health] - rank[b.health] ||
      compare(a.kind, b.kind) ||
      compare(a.zone, b.zone) ||
      compare(a.name, b.name) ||
      a.service.port - b.service.port,
  )
}

const rank: Readonly<Record<EndpointHealth, number>> = { healthy: 0, draining: 1, unhealthy: 2 }

function local(
  service: MeshService,
  port: NonNullable<MeshService['spec']['ports']>[number],
  zone: string,
  shown: ServiceEndpoint['service'],
  { instancesOf, readinessOf }: EndpointFacts,
): ServiceEndpoint[] {
  return instancesOf(service).flatMap((dataplane): ServiceEndpoint[] => {
    const inbound = targetedInbound(dataplane, port)
    if (!inbound || inbound.state === 'Ignored') return []
    const { state, reason } = readinessOf(dataplane).inbounds.get(inboundName(inbound)) ?? { state: 'not-ready', reason: 'it is not known' }
    const health = state === 'ready' ? 'healthy' : state === 'draining' ? 'draining' : 'unhealthy'
    return [
      {
        kind: 'instance',
        name: displayNameOf(dataplane),
        zone,
        address: inbound.address ?? dataplane.spec.networking.address,
        port: inbound.port,
        service: shown,
        health,
        ...(reason === '' ? {} : { reason }),
        weight: 1,
        labels: dataplane.labels,
      },
    ]
  })
}

function remote(
  service: MeshService,
  zone: string,
  shown: ServiceEndpoint['service'],
  { addressesOf, capacityOf }: EndpointFacts,
): ServiceEndpoint[] {
  const { healthy = 0, total = 0, weight = healthy } = capacityOf(service)?.spec ?? {}
  const isHealthy = service.spec.state === 'Available' && healthy > 0
  const reason = service.spec.state === 'Available' ? 'no instance in that zone is ready' : 'its zone says that it is not available'
  return addressesOf(zone).map(
    (address): ServiceEndpoint => ({
      kind: 'zone',
      name: displayNameOf(address),
      zone,
      address: address.spec.address,
      port: address.spec.port,
      service: shown,
      health: isHealthy ? 'healthy' : 'unhealthy',
      ...(isHealthy ? {} : { reason }),
      weight,
      instances: { healthy, total },
    }),
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
