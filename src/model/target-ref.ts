import Type, { type Static } from 'typebox'
import { displayNameLabel } from './labels.ts'
import type { Resource } from './resource.ts'
import { closed, labelMap, oneOf, portNumber } from './schema.ts'

/** Which proxies a policy is for. Absent = all of the mesh. */
export const topTargetRef = closed({
  kind: oneOf('Mesh', 'Dataplane'),
  labels: Type.Optional(labelMap),
  /** Name or number of an inbound. */
  sectionName: Type.Optional(Type.String()),
})
export type TopTargetRef = Static<typeof topTargetRef>

/** As `topTargetRef`, and a gateway's listener (`sectionName` = its name) or the whole gateway. */
export const routeTargetRef = closed({
  kind: oneOf('Mesh', 'Dataplane', 'MeshGateway'),
  labels: Type.Optional(labelMap),
  sectionName: Type.Optional(Type.String()),
})
export type RouteTargetRef = Static<typeof routeTargetRef>

/** Which traffic going out a policy is about; `sectionName` = name or number of a service's port. */
export const toTargetRef = closed({
  kind: oneOf('Mesh', 'MeshService', 'MeshMultiZoneService', 'MeshHTTPRoute'),
  labels: Type.Optional(labelMap),
  sectionName: Type.Optional(Type.String()),
})
export type ToTargetRef = Static<typeof toTargetRef>

/** Where a route sends requests. `weight` is relative to the other references (absent = 1); the port is by number, or by `sectionName`. */
export const backendRef = closed({
  kind: oneOf('MeshService', 'MeshMultiZoneService'),
  labels: labelMap,
  sectionName: Type.Optional(Type.String()),
  port: Type.Optional(portNumber),
  weight: Type.Optional(Type.Integer({ minimum: 0, maximum: 4294967295 })),
})
export type BackendRef = Static<typeof backendRef>

/** Any reference by kind and labels. */
export interface TargetRef {
  readonly kind: string
  readonly labels?: Readonly<Record<string, string>>
  readonly sectionName?: string
}

/** Do a resource's labels hold all that `selector` asks for? Absent and `{}` ask for nothing. A resource that does not carry
 *  `kuma.io/display-name` is known by its own name. */
export function matchesLabels(
  resource: Pick<Resource, 'name' | 'labels'>,
  selector: Readonly<Record<string, string>> | undefined,
): boolean {
  if (selector === undefined) return true
  for (const name in selector) {
    const actual = resource.labels[name] ?? (name === displayNameLabel ? resource.name : undefined)
    if (actual !== selector[name]) return false
  }
  return true
}
