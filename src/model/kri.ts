import { kindByName, kindByShort } from './kinds/index.ts'
import { namespaceLabel, zoneLabel } from './labels.ts'
import { displayNameOf } from './names.ts'
import type { Resource } from './resource.ts'

/** The parts of a Kuma Resource Identifier. Parts that do not apply are ''. */
export interface Kri {
  /** Short name of the kind, e.g. `msvc`. */
  readonly short: string
  readonly mesh: string
  readonly zone: string
  readonly namespace: string
  /** The display name. */
  readonly name: string
  /** A part of the resource: the name of a port, an inbound, a listener. */
  readonly section: string
}

/** `kri_msvc_default_east__backend_80` */
export function formatKri(kri: Kri): string {
  return `kri_${kri.short}_${kri.mesh}_${kri.zone}_${kri.namespace}_${kri.name}_${kri.section}`
}

/** null when the text is not a KRI. Only the section may hold an underscore. */
export function parseKri(text: string): Kri | null {
  const match = /^kri_([a-z]+)_([^_]*)_([^_]*)_([^_]*)_([^_]+)_(.*)$/s.exec(text)
  if (match === null) return null
  const [, short = '', mesh = '', zone = '', namespace = '', name = '', section = ''] = match
  return { short, mesh, zone, namespace, name, section }
}

/** The identity of a resource wherever it is stored, and of its part `section`. */
export function kriOf(resource: Pick<Resource, 'kind' | 'mesh' | 'name' | 'labels'>, section = ''): string {
  return formatKri({
    short: kindByName(resource.kind)?.short ?? resource.kind.toLowerCase(),
    mesh: resource.mesh,
    zone: resource.labels[zoneLabel] ?? '',
    namespace: resource.labels[namespaceLabel] ?? '',
    name: displayNameOf(resource),
    section,
  })
}

/** The kind that a KRI names, e.g. `MeshService`; undefined when there is none. */
export function kindOfKri(kri: Kri): string | undefined {
  return kindByShort(kri.short)?.kind
}
