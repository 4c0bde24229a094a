import { compareNearness, type NamedByHost } from '../model/hostname.ts'
import { displayNameLabel } from '../model/labels.ts'
import { matchesLabels } from '../model/target-ref.ts'
import type { MeshView, ServicePort, ServiceView } from './view.ts'

/** The service that a reference names; the nearest, where it leaves open which. */
export function findService(
  view: MeshView,
  kind: string | null,
  name: string | undefined,
  labels: Readonly<Record<string, string>> | undefined,
): ServiceView | null {
  const wantedName = name ?? labels?.[displayNameLabel]
  const services = wantedName === undefined ? [...view.services.values()] : view.servicesNamed(wantedName)
  const candidates = services.filter(service => (kind === null || service.kind === kind) && matchesLabels(service.resource, labels))
  candidates.sort((a, b) => compareNearness(describeService(a), describeService(b), view.zone))
  return candidates[0] ?? null
}

export function describeService({ zone, resource }: ServiceView): NamedByHost {
  return { zone, storedName: resource.name }
}

/** By section, else by number, else the first one. */
export function findPort(service: ServiceView, port: number | undefined, section: string | undefined): ServicePort | null {
  if (section !== undefined)
    return service.ports.find(candidate => candidate.name === section || String(candidate.port) === section) ?? null
  if (port === undefined) return service.ports[0] ?? null
  return service.ports.find(candidate => candidate.port === port) ?? null
}
