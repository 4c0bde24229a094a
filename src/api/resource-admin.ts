import type { FastifyInstance } from 'fastify'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import { zoneLabel } from '../model/labels.ts'
import type { Registry } from '../registry/registry.ts'
import { ApiError, notFound } from './problem.ts'
import { requireMesh } from './resource-routes.ts'
import type { ControlPlaneRole } from './role.ts'

const pages = [
  { path: 'xds', what: 'config dump' },
  { path: 'stats', what: 'statistics' },
  { path: 'clusters', what: 'clusters' },
] as const

/** What Kuma asks the running Envoy's admin port for. Our proxies and their machines are not dialled: each answer says where to look instead. */
export function adminRoutes(app: FastifyInstance, { registry, role }: { registry: Registry; role: ControlPlaneRole }): void {
  const config = { access: { verb: 'read', area: 'inspect' } } as const
  for (const { path, what } of pages) {
    app.get<{ Params: { mesh: string; name: string } }>(`/meshes/:mesh/dataplanes/:name/${path}`, { config }, request => {
      const { mesh, name } = request.params
      requireMesh(registry, mesh)
      const dataplane = registry.get<Dataplane>({ kind: 'Dataplane', mesh, name })
      if (!dataplane)
        throw notFound(
          'Could not get dataplane resource',
          `there is no Dataplane '${name}': \`skerry get dataplanes -m ${mesh}\` lists them`,
        )
      throw role.kind === 'global' ? notAtGlobal(what, dataplane) : notAsked(what, mesh, name)
    })
  }
}

function notAtGlobal(what: string, { labels }: Dataplane): ApiError {
  return new ApiError({
    status: 405,
    code: 'SKERRY_INSPECT_ELSEWHERE',
    title: 'Method is not allowed',
    detail: `It is not possible to inspect a proxy's ${what} on the global control plane`,
    fix: `ask the control plane of zone '${labels[zoneLabel] ?? '?'}' for _config, or the proxy's own --admin port on its machine`,
  })
}

function notAsked(what: string, mesh: string, name: string): ApiError {
  return new ApiError({
    status: 501,
    code: 'SKERRY_PROXY_NOT_ASKED',
    title: 'Could not execute admin operation',
    detail: `this control plane does not open connections to proxies, so it cannot fetch the ${what} of Dataplane '${name}'`,
    fix: `\`GET /meshes/${mesh}/dataplanes/${name}/_config\` has what the proxy was told (kumactl inspect dataplane --type=config); the proxy's own --admin port has the rest`,
  })
}
