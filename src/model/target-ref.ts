import Type, { type Static } from 'typebox'
import { displayNameLabel } from './labels.ts'
import type { Resource } from './resource.ts'
import { closed, defaulting, described, labelMap, oneOf, portNumber } from './schema.ts'

const selectingLabels = Type.Optional(
  described(labelMap, 'The labels that it must have; `kuma.io/display-name` selects one by its name. Dataplane: absent = all.'),
)

/** Which proxies a policy is for. Absent = all of the mesh. */
export const topTargetRef = closed(
  {
    kind: oneOf('Mesh', 'Dataplane'),
    labels: selectingLabels,
    sectionName: Type.Optional(Type.String({ description: 'Name or number of an inbound: the policy is for that one alone.' })),
  },
  { description: 'Which proxies the policy is for. Absent = all of the mesh.' },
)
export type TopTargetRef = Static<typeof topTargetRef>

/** As `topTargetRef`, and a gateway's listener (`sectionName` = its name) or the whole gateway. */
export const routeTargetRef = closed(
  {
    kind: oneOf('Mesh', 'Dataplane', 'MeshGateway'),
    labels: selectingLabels,
    sectionName: Type.Optional(Type.String({ description: 'Name or number of an inbound, or the name of a listener of the MeshGateway.' })),
  },
  { description: 'Which proxies the route is for: sidecars, or those of a MeshGateway. Absent = all sidecars of the mesh.' },
)
export type RouteTargetRef = Static<typeof routeTargetRef>

/** Which traffic going out a policy is about; `sectionName` = name or number of a service's port. */
export const toTargetRef = closed(
  {
    kind: oneOf('Mesh', 'MeshService', 'MeshExternalService', 'MeshMultiZoneService', 'MeshHTTPRoute'),
    labels: selectingLabels,
    sectionName: Type.Optional(Type.String({ description: 'Name of a port of the service; its number where it has no name.' })),
  },
  { description: 'Which destinations this is for.' },
)
export type ToTargetRef = Static<typeof toTargetRef>

/** Where a route sends requests. `weight` is relative to the other references (absent = 1); the port is by number, or by `sectionName`. */
export const backendRef = closed(
  {
    kind: oneOf('MeshService', 'MeshMultiZoneService', 'MeshExternalService'),
    labels: defaulting(described(labelMap, 'The labels of the service; `kuma.io/display-name` selects it by its name.'), {}),
    sectionName: Type.Optional(Type.String({ description: 'Name of the port.' })),
    port: Type.Optional(portNumber),
    weight: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 4294967295,
        default: 1,
        description: 'Share of the requests, relative to the other references.',
      }),
    ),
  },
  { description: 'A service that requests are sent to.' },
)
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
