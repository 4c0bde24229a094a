import type { KindDefinition } from '../model/kind.ts'
import { displayNameLabel, namespaceLabel, originLabel, syncLabel, zoneLabel } from '../model/labels.ts'
import { displayNameOf, keepsNameOnSync, syncedName } from '../model/names.ts'
import type { Resource, ResourceDraft } from '../model/resource.ts'
import { trustDomainOf } from '../model/spiffe-id.ts'

/** What global owes to the zones because of one resource: one form for all of them, but none for the zone it came from. */
export interface OwedToZones {
  readonly form: ResourceDraft
  /** The zone that made it; '' = global's own, owed to every zone. */
  readonly from: string
}

/** The form in which a zone's resource goes up to global; null = global is not owed it. Goes up with its status. */
export function owedToGlobal(zone: string, resource: Resource, kind: KindDefinition): ResourceDraft | null {
  if (!goesUp(kind) || !mayTravel(resource, kind) || isFromGlobal(resource)) return null
  if (resource.kind === 'MeshTrust' && !vouchesFor(zone, resource)) return null
  const labels = { ...resource.labels, [displayNameLabel]: displayNameOf(resource), [originLabel]: 'zone', [zoneLabel]: zone }
  return travelling(resource, labels, resource.status)
}

/** The form in which global's registry shows a resource to zones; null = no zone is owed it. Status stays: each zone computes its own. */
export function owedToZones(resource: Resource, kind: KindDefinition, zoneEnabled: (zone: string) => boolean): OwedToZones | null {
  if (!mayTravel(resource, kind)) return null
  const from = zoneOfOrigin(resource)
  const owed = from === '' ? goesDown(kind) : kind.sync === 'forwarded' && zoneEnabled(from)
  if (!owed) return null
  const named: Record<string, string> = keepsNameOnSync(kind.kind) ? {} : { [displayNameLabel]: displayNameOf(resource) }
  return { form: travelling(resource, { ...resource.labels, ...named, [originLabel]: 'global' }, undefined), from }
}

/** What one zone is owed of a resource in global's registry. */
export function owedToZone(
  zone: string,
  resource: Resource,
  kind: KindDefinition,
  zoneEnabled: (zone: string) => boolean,
): ResourceDraft | null {
  const owed = owedToZones(resource, kind, zoneEnabled)
  return owed && owed.from !== zone ? owed.form : null
}

/** Whether resources of a kind travel from zones to global, and so whether global subscribes to it. */
export function goesUp(kind: KindDefinition): boolean {
  return !kind.secret && (kind.sync === 'zone' || kind.sync === 'forwarded' || kind.sync === 'both')
}

/** Whether zones receive resources of a kind from global, its own or other zones'. */
export function comesDown(kind: KindDefinition): boolean {
  return !kind.secret && (kind.sync === 'global' || kind.sync === 'forwarded' || kind.sync === 'both')
}

/** In global's registry: the zone that made a resource; '' = made at global. */
export function zoneOfOrigin(resource: Pick<Resource, 'labels'>): string {
  return resource.labels[originLabel] === 'zone' ? (resource.labels[zoneLabel] ?? '') : ''
}

/** In a zone's registry: whether a resource came from global (global's own, or another zone's). */
export function isFromGlobal(resource: Pick<Resource, 'labels'>): boolean {
  return resource.labels[originLabel] === 'global'
}

/** A zone speaks for one trust domain in each mesh, its own: domains of others that its users trust there stay there. */
export function vouchesFor(zone: string, trust: Pick<Resource, 'mesh' | 'spec'>): boolean {
  const domain = (trust.spec as { readonly trustDomain?: unknown } | null)?.trustDomain
  return typeof domain === 'string' && domain.toLowerCase() === trustDomainOf(trust.mesh, zone).toLowerCase()
}

/** The name under which the receiving side stores a resource with these labels. */
export function travellingName(resource: Pick<ResourceDraft, 'kind' | 'mesh' | 'name' | 'labels'>): string {
  if (keepsNameOnSync(resource.kind)) return resource.name
  return syncedName(displayNameOf(resource), resource.mesh, resource.labels[zoneLabel], resource.labels[namespaceLabel])
}

/** MeshTrust is forwarded between zones, and also goes down when global's users add a domain for everybody. */
function goesDown(kind: KindDefinition): boolean {
  return kind.sync === 'global' || kind.sync === 'both' || kind.kind === 'MeshTrust'
}

function mayTravel(resource: Resource, kind: KindDefinition): boolean {
  return !kind.secret && resource.labels[syncLabel] !== 'disabled'
}

function travelling(resource: Resource, labels: Readonly<Record<string, string>>, status: unknown): ResourceDraft {
  const { kind, mesh, spec } = resource
  const name = travellingName({ kind, mesh, name: resource.name, labels })
  return status === undefined ? { kind, mesh, name, labels, spec } : { kind, mesh, name, labels, spec, status }
}
