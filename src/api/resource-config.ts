import type { FastifyInstance } from 'fastify'
import { encodeEndpoints } from '../envoy/endpoint.ts'
import { envoyResourcesJson } from '../envoy/resource-json.ts'
import { type EnvoyResource, envoyResources, typeUrls } from '../envoy/resources.ts'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import { effectLabel } from '../model/labels.ts'
import type { Resource } from '../model/resource.ts'
import { type InstanceState, planEndpoints } from '../policy/endpoints.ts'
import type { ProxyPlan } from '../policy/plan.ts'
import { planProxy } from '../policy/plan-proxy.ts'
import { MeshView } from '../policy/view.ts'
import type { Registry } from '../registry/registry.ts'
import { jsonPatch } from './json-patch.ts'
import { ApiError, notFound } from './problem.ts'
import { requireMesh } from './resource-routes.ts'
import type { ControlPlaneRole } from './role.ts'

export interface ConfigRoutesOptions {
  readonly registry: Registry
  readonly role: ControlPlaneRole
  /** The plan that a proxy has; null when it is not connected. */
  readonly plannedProxy?: (mesh: string, name: string) => ProxyPlan | null
  /** From live facts; without it what Dataplanes say of their inbounds. */
  readonly instanceState?: InstanceState
}

interface Params {
  readonly mesh: string
  readonly name: string
}

/** `_config`: a proxy's whole configuration in Envoy's words, and what it would be with the shadow policies (`kuma.io/effect: shadow`) in force. */
export function configRoute(app: FastifyInstance, options: ConfigRoutesOptions): void {
  const config = { access: { verb: 'read', area: 'inspect' } } as const
  app.get<{ Params: Params }>('/meshes/:mesh/dataplanes/:name/_config', { config }, request => {
    const { registry, role } = options
    if (role.kind === 'global') throw notAtGlobal()
    const { mesh, name } = request.params
    const { shadow, diff } = readQuery(request.query as Readonly<Record<string, unknown>>)
    requireMesh(registry, mesh)
    const dataplane = registry.get<Dataplane>({ kind: 'Dataplane', mesh, name })
    if (!dataplane)
      throw notFound('Could not retrieve Dataplane', `there is no Dataplane '${name}': \`skerry get dataplanes -m ${mesh}\` lists them`)

    const view = viewOf(registry, mesh, role.zone, resource => resource)
    const applied = options.plannedProxy?.(mesh, name) ?? planProxy(view, dataplane)
    const now = configOf(applied, view, options.instanceState)
    if (!shadow) return { xds: now, ...(diff ? { diff: [] } : {}) }

    const withShadows = viewOf(registry, mesh, role.zone, inForce)
    const hosts = applied.onDemand.map(host => host.name)
    const xds = configOf(planProxy(withShadows, dataplane, hosts), withShadows, options.instanceState)
    return { xds, ...(diff ? { diff: jsonPatch(now, xds) } : {}) }
  })
}

function configOf(plan: ProxyPlan, view: MeshView, stateOf: InstanceState = statedBy): Record<string, Record<string, unknown>> {
  const endpoints = plan.clusters.flatMap((cluster): EnvoyResource[] => {
    if (cluster.kind !== 'service') return []
    const bytes = encodeEndpoints(cluster.name, planEndpoints(view, cluster.endpoints, stateOf))
    return [{ type: typeUrls.endpoints, name: cluster.name, bytes }]
  })
  return envoyResourcesJson([...envoyResources(plan, 'envoy'), ...endpoints])
}

function viewOf(registry: Registry, mesh: string, zone: string, show: (resource: Resource) => Resource): MeshView {
  const changes = [...registry.all()]
    .filter(resource => resource.mesh === mesh)
    .map(resource => ({ kind: 'put', resource: show(resource) }) as const)
  return MeshView.empty(mesh, zone).with(changes, registry.revision)
}

/** A shadow policy as it would be if it applied. */
function inForce(resource: Resource): Resource {
  if (resource.labels[effectLabel] !== 'shadow') return resource
  const { [effectLabel]: _, ...labels } = resource.labels
  return { ...resource, labels }
}

const statedBy: InstanceState = ({ spec }, inbound) => {
  const stated = spec.networking.inbound?.find(it => (it.name ?? String(it.port)) === inbound)?.state ?? 'Ready'
  return stated === 'Ready' ? 'ready' : 'not-ready'
}

function readQuery({ shadow, include }: Readonly<Record<string, unknown>>): { shadow: boolean; diff: boolean } {
  if (shadow !== undefined && !['true', 'false', ''].includes(String(shadow))) throw unsupported('shadow')
  const included = include === undefined ? [] : [include].flat().flatMap(value => String(value).split(','))
  if (included.some(value => value !== 'diff')) throw unsupported('include')
  return { shadow: shadow === 'true' || shadow === '', diff: included.length > 0 }
}

function unsupported(parameter: string): ApiError {
  const detail = `bad request: unsupported value for query parameter '${parameter}'`
  return new ApiError({ status: 400, code: 'SKERRY_BAD_REQUEST', title: 'Bad Request', detail })
}

function notAtGlobal(): ApiError {
  return new ApiError({
    status: 405,
    code: 'SKERRY_INSPECT_ELSEWHERE',
    title: 'Method is not allowed',
    detail: "a proxy's configuration is made in its zone, not at the global control plane",
    fix: "ask the control plane of the proxy's zone",
  })
}
