import type { Resource } from '../../model/resource.ts'
import type { Destination } from '../../policy/rules/resolve.ts'
import type { Registry } from '../../registry/registry.ts'
import { findByKri, readKri } from '../kri-route.ts'
import { notFound } from '../problem.ts'
import type { ControlPlaneRole } from '../role.ts'

/** Kinds that a proxy can call. */
export const destinationKinds = ['MeshService', 'MeshMultiZoneService', 'MeshExternalService'] as const

/** The resource of a mesh that a KRI in a path names, and the section. Throws a 400 when it is none, a 404 when there is no such resource. */
export function resourceOfKri(registry: Registry, role: ControlPlaneRole, mesh: string, text: string): Destination {
  const { kri, kind } = readKri(text)
  const resource = kri.mesh === mesh ? findByKri(registry, role, kri, kind) : undefined
  if (!resource) throw notFound('Could not retrieve a resource', `nothing in mesh '${mesh}' has the KRI '${text}': \`_layout\` lists them`)
  return { resource, section: kri.section }
}

export interface DestinationPort {
  readonly name?: string
  readonly port: number
  readonly protocol: string
}

export function portsOf({ kind, spec }: Resource): readonly DestinationPort[] {
  if (kind === 'MeshExternalService') {
    const { port, protocol = 'tcp' } = (spec as { match: { port: number; protocol?: string } }).match
    return [{ port, protocol }]
  }
  const { ports = [] } = spec as { ports?: readonly { name?: string; port: number; appProtocol?: string }[] }
  return ports.map(({ appProtocol = 'tcp', ...port }) => ({ ...port, protocol: appProtocol }))
}
