import { type NamedByHost, pickByHost, readHost, shortHost, specificHost } from '../model/hostname.ts'
import type { MeshMultiZoneService } from '../model/kinds/mesh-multi-zone-service.ts'
import type { MeshService } from '../model/kinds/mesh-service.ts'
import { zoneLabel } from '../model/labels.ts'
import { displayNameOf } from '../model/names.ts'

export type NamedService = MeshService | MeshMultiZoneService

/** Services of one mesh by display name. */
export type ServiceIndex = ReadonlyMap<string, readonly NamedService[]>

export function indexServices(services: Iterable<NamedService>): ServiceIndex {
  return Map.groupBy(services, displayNameOf)
}

/** What a host name means to callers in a zone; undefined = nothing. `model/hostname.ts` has the rule. */
export function resolveHost(index: ServiceIndex, host: string, localZone: string): NamedService | undefined {
  const reference = readHost(host, localZone)
  return reference === null
    ? undefined
    : pickByHost(reference, index.get(reference.name) ?? [], service => describe(service, localZone), localZone)
}

/** The host names under which callers in a zone reach a service, the most specific first. `X.mesh` is among them only where it means this service. */
export function hostnamesOf(service: NamedService, index: ServiceIndex, localZone: string): string[] {
  const name = displayNameOf(service)
  const names = [specificHost(name, describe(service, localZone).zone, localZone)]
  const nearest = resolveHost(index, shortHost(name), localZone)
  if (nearest?.kind === service.kind && nearest.name === service.name) names.push(shortHost(name))
  return names
}

/** Services without a zone (of a zone that has no global yet to name it) count as the local zone's. */
function describe(service: NamedService, localZone: string): NamedByHost {
  const zone = service.kind === 'MeshMultiZoneService' ? '' : (service.labels[zoneLabel] ?? localZone)
  return { zone, storedName: service.name }
}
