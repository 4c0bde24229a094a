import { compareNearness, type NamedByHost } from '../../model/hostname.ts'
import { displayNameLabel } from '../../model/labels.ts'
import { displayNameOf } from '../../model/names.ts'
import type { Resource } from '../../model/resource.ts'
import { matchesLabels } from '../../model/target-ref.ts'
import type { ServicePort, ServiceView } from '../service-index.ts'
import type { MeshView } from '../view.ts'

/** How a reference says which service it means; what it leaves out it leaves open. */
export interface ServiceReference {
  readonly kind?: string | null | undefined
  readonly name?: string | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
}

/** What is asked of a service to know whether it is meant. `zone` '' = of all zones. */
type Candidate = Pick<ServiceView, 'zone'> & { readonly resource: Resource }

/** The service that a reference names; the nearest, where it leaves open which. */
export function findService(
  view: MeshView,
  kind: string | null,
  name: string | undefined,
  labels: Readonly<Record<string, string>> | undefined,
): ServiceView | null {
  const wantedName = name ?? labels?.[displayNameLabel]
  const services = wantedName === undefined ? [...view.services.values()] : view.servicesNamed(wantedName)
  return nearestService(services, { kind, name, labels }, view.zone)
}

/** As `findService`, of any services, seen from a zone. */
export function nearestService<S extends Candidate>(
  services: readonly S[],
  { kind, name, labels }: ServiceReference,
  zone: string,
): S | null {
  const meant = services.filter(
    ({ resource }) =>
      (kind ?? resource.kind) === resource.kind &&
      (name === undefined || displayNameOf(resource) === name) &&
      matchesLabels(resource, labels),
  )
  meant.sort((a, b) => compareNearness(describeService(a), describeService(b), zone))
  return meant[0] ?? null
}

export function describeService({ zone, resource }: Candidate): NamedByHost {
  return { zone, storedName: resource.name }
}

/** By section, else by number, else the first one. */
export function findPort(service: ServiceView, port: number | undefined, section: string | undefined): ServicePort | null {
  if (section !== undefined)
    return service.ports.find(candidate => candidate.name === section || String(candidate.port) === section) ?? null
  if (port === undefined) return service.ports[0] ?? null
  return service.ports.find(candidate => candidate.port === port) ?? null
}
