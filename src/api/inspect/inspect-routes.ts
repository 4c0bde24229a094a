import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Dataplane, dataplaneKind, inboundName } from '../../model/kinds/dataplane.ts'
import { kindByName } from '../../model/kinds/index.ts'
import { type MeshService, meshServiceKind } from '../../model/kinds/mesh-service.ts'
import type { Resource } from '../../model/resource.ts'
import { entrancesOf } from '../../policy/rules/match.ts'
import type { Policy } from '../../policy/rules/policy.ts'
import type { Registry } from '../../registry/registry.ts'
import { readKri } from '../kri-route.ts'
import { notFound } from '../problem.ts'
import { readItem, requireMesh, targetOf } from '../resource-routes.ts'
import type { ControlPlaneRole } from '../role.ts'
import { resourceOfKri } from './destinations.ts'
import { showLayout } from './layout.ts'
import { MeshPolicies, policyKinds, type ViewOf } from './mesh-policies.ts'
import { showInboundPolicies, showOutboundPolicies, showProxyPolicies } from './policies.ts'
import { showRoutes } from './routes-of.ts'
import { showRules } from './rules.ts'
import { instancesOf, reachedDataplanes, showAttachments, showDataplanes } from './selected-dataplanes.ts'

export interface InspectOptions {
  readonly registry: Registry
  readonly role: ControlPlaneRole
  readonly viewOf: ViewOf
}

interface ItemParams {
  readonly mesh: string
  readonly name: string
}

/** KRIs; a path has those that it names. */
interface PlaceParams {
  readonly inbound: string
  readonly outbound: string
  readonly route: string
}

const options = { config: { access: { verb: 'read', area: 'inspect' } } } as const

/** What policies come to, for a proxy, and which proxies they reach. Worked out from resources alone: global answers as a zone does. */
export function inspectRoutes(app: FastifyInstance, { registry, role, viewOf }: InspectOptions): void {
  const policies = new MeshPolicies(registry, viewOf, role.kind === 'zone' ? role.zone : '')
  const resourceOf = ({ mesh }: Dataplane, kri: string) => resourceOfKri(registry, role, mesh, kri)
  const ofProxy = (path: string, show: (dataplane: Dataplane, params: PlaceParams, request: FastifyRequest) => unknown) => {
    app.get<{ Params: ItemParams & PlaceParams }>(`/meshes/:mesh/dataplanes/:name/${path}`, options, request =>
      show(readDataplane(registry, request.params), request.params, request),
    )
  }
  ofProxy('_rules', dataplane => showRules(policies, dataplane))
  ofProxy('_layout', dataplane => showLayout(policies, dataplane))
  ofProxy('_policies', (dataplane, _, request) => showProxyPolicies(policies, dataplane, showOptions(request)))
  ofProxy('_inbounds/:inbound/_policies', (dataplane, { inbound }, request) =>
    showInboundPolicies(policies, dataplane, entranceOf(dataplane, inbound), showOptions(request)),
  )
  ofProxy('_outbounds/:outbound/_policies', (dataplane, { outbound }, request) =>
    showOutboundPolicies(policies, dataplane, resourceOf(dataplane, outbound), undefined, showOptions(request)),
  )
  ofProxy('_outbounds/:outbound/_routes', (dataplane, { outbound }, request) =>
    showRoutes(policies, dataplane, resourceOf(dataplane, outbound), showOptions(request)),
  )
  ofProxy('_outbounds/:outbound/_routes/:route/_policies', (dataplane, params, request) => {
    const destination = resourceOf(dataplane, params.outbound)
    const route = resourceOf(dataplane, params.route).resource
    return showOutboundPolicies(policies, dataplane, destination, route, showOptions(request))
  })

  const ofResource = <R extends Resource>(kindName: string, path: string, show: (resource: R, request: FastifyRequest) => unknown) => {
    const kind = kindByName(kindName)!
    app.get<{ Params: ItemParams }>(`/meshes/:mesh/${kind.path}/:name/${path}`, options, request =>
      show(readItem(registry, targetOf(kind, request.params)) as R, request),
    )
  }
  for (const { kind } of policyKinds) {
    ofResource<Policy>(kind, '_resources/dataplanes', (policy, request) =>
      showDataplanes(reachedDataplanes(registry, policies, policy), request),
    )
    ofResource<Policy>(kind, 'dataplanes', policy => showAttachments(reachedDataplanes(registry, policies, policy)))
  }
  ofResource<MeshService>(meshServiceKind.kind, '_dataplanes', (service, request) =>
    showDataplanes(instancesOf(registry, service), request),
  )
}

function readDataplane(registry: Registry, { mesh, name }: ItemParams): Dataplane {
  const dataplane = registry.get({ kind: dataplaneKind.kind, mesh, name })
  if (dataplane) return dataplane as Dataplane
  requireMesh(registry, mesh)
  throw notFound(
    'Could not retrieve Dataplane',
    `there is no Dataplane '${name}': \`skerry get dataplanes -m ${mesh}\` lists what there is`,
  )
}

/** The inbound or listener whose KRI stands in a path. Only its section counts: whose it is the path has said. */
function entranceOf(dataplane: Dataplane, kri: string) {
  const { section } = readKri(kri).kri
  const entrance = entrancesOf(dataplane).find(candidate => inboundName(candidate) === section)
  if (entrance) return entrance
  throw notFound('Could not retrieve an inbound', `Dataplane '${dataplane.name}' has no inbound '${section}': its \`_layout\` lists them`)
}

function showOptions(request: FastifyRequest) {
  const { include } = request.query as { readonly include?: unknown }
  return { withFields: [include].flat().includes('fields') }
}
