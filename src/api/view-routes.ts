import type { FastifyInstance } from 'fastify'
import { dataplaneKind } from '../model/kinds/dataplane.ts'
import { kindByName, kinds } from '../model/kinds/index.ts'
import { kriOf } from '../model/kri.ts'
import type { Registry } from '../registry/registry.ts'
import { ApiError, notFound } from './problem.ts'
import { type ItemParams, readItem, targetOf } from './resource-routes.ts'
import type { ControlPlaneRole } from './role.ts'

/** A proxy's plan and state as JSON; undefined when nothing is known of it. */
export type InspectDataplane = (mesh: string, name: string) => unknown | Promise<unknown>

/** What becomes of a policy, by its KRI, in each zone that could be asked. */
export type InspectPolicy = (policy: { readonly mesh: string; readonly kind: string; readonly kri: string }) => Promise<readonly unknown[]>

export interface ViewRoutesOptions {
  readonly registry: Registry
  readonly role: ControlPlaneRole
  /** Without it only the proxy's zone can answer. */
  readonly inspectDataplane: InspectDataplane | undefined
  /** Without it nobody knows of any proxy. */
  readonly inspectPolicy: InspectPolicy | undefined
}

/** What is not a resource but follows from them: made by the program, asked for here. */
export function viewRoutes(app: FastifyInstance, { registry, role, inspectDataplane, inspectPolicy }: ViewRoutesOptions): void {
  const dataplane = kindByName(dataplaneKind.kind)!
  app.get<{ Params: ItemParams & { mesh: string } }>(
    '/meshes/:mesh/dataplanes/:name/_inspect',
    { config: { access: { verb: 'read', area: 'inspect' } } },
    async request => {
      const { mesh, name } = request.params
      const resource = readItem(registry, targetOf(dataplane, request.params))
      if (!inspectDataplane) throw askItsZone(role, resource.labels['kuma.io/zone'])
      const inspected = await inspectDataplane(mesh, name)
      if (inspected === undefined)
        throw notFound('Could not retrieve Dataplane', `nothing is planned for Dataplane '${name}' yet: is its proxy connected?`)
      return inspected
    },
  )
  for (const kind of kinds.filter(({ policy }) => policy)) {
    app.get<{ Params: ItemParams & { mesh: string } }>(
      `/meshes/:mesh/${kind.path}/:name/_inspect`,
      { config: { access: { verb: 'read', area: 'inspect' } } },
      async request => {
        const kri = kriOf(readItem(registry, targetOf(kind, request.params)))
        return { kri, zones: (await inspectPolicy?.({ mesh: request.params.mesh, kind: kind.kind, kri })) ?? [] }
      },
    )
  }
}

function askItsZone(role: ControlPlaneRole, zone: string | undefined): ApiError {
  const here = role.kind === 'global' ? 'the global control plane' : `zone '${role.zone}'`
  return new ApiError({
    status: 405,
    code: 'SKERRY_INSPECT_ELSEWHERE',
    title: 'Method not Allowed',
    detail: `a proxy's configuration is made in its zone, not in ${here}`,
    fix: `ask the control plane of zone '${zone ?? '?'}': --api URL`,
  })
}
