import { type Dataplane, isAgentless, isZoneIngress, workloadOf } from '../model/kinds/dataplane.ts'
import { kindByName } from '../model/kinds/index.ts'
import type { ServiceCapacity } from '../model/kinds/service-capacity.ts'
import { agentlessOf } from '../policy/agentless.ts'
import type { Policy } from '../policy/rules/policy.ts'
import { reachedBy } from '../policy/rules/reach.ts'
import { generatedHostnames, type ServiceView } from '../policy/service-index.ts'
import type { MeshView } from '../policy/view.ts'
import type { ResourceChange } from '../registry/change-batch.ts'

/** What a change makes another: no more than this is planned again. */
export type Touched =
  /** The plan of one proxy. */
  | { readonly kind: 'proxy'; readonly name: string }
  /** The endpoints of a service, and of what unites it with others. */
  | { readonly kind: 'endpoints'; readonly service: ServiceView }
  /** The plans of those who call a service, or want to, or let others in to it; `view` says what unites it with others. */
  | { readonly kind: 'callers'; readonly service: ServiceView; readonly view: MeshView }
  /** The plans of those who asked for one of these host names: they mean another service now. */
  | { readonly kind: 'hosts'; readonly hostnames: ReadonlySet<string> }
  /** The endpoints of a workload without a proxy, as its zone's gateways call it. */
  | { readonly kind: 'agentless'; readonly workload: string }
  /** The plans of the zone's own gateways to other zones. */
  | { readonly kind: 'zone-gateways' }
  /** The plan of every proxy of the mesh. */
  | { readonly kind: 'mesh' }

/** What one change of a resource touches, given its mesh before and after the batch that it came with. */
export function traceChange(before: MeshView, after: MeshView, change: ResourceChange): Touched[] {
  const { kind, name } = change.kind === 'put' ? change.resource : change.key
  switch (kind) {
    case 'Dataplane':
      return [
        { kind: 'proxy', name },
        ...[before, after].flatMap(view => instanceEndpoints(view, name)),
        ...agentlessChange(before, after, name),
      ]
    case 'MeshService':
    case 'MeshMultiZoneService':
      return serviceChange(before, after, `${kind}/${name}`)
    case 'ServiceCapacity': {
      const capacity = (change.kind === 'put' ? change.resource : change.previous) as ServiceCapacity
      const zone = after.zoneOf(capacity)
      return endpointsOf(after.servicesNamed(capacity.spec.service).filter(service => service.zone === zone))
    }
    case 'MeshZoneAddress': {
      const zone = after.zoneOf(change.kind === 'put' ? change.resource : change.previous)
      return endpointsOf([...after.services.values()].filter(service => service.zone === zone))
    }
    case 'TrustAcknowledgement': {
      const zone = after.zoneOf(change.kind === 'put' ? change.resource : change.previous)
      const isAffected = (service: ServiceView) => (zone === after.zone ? service.zone !== zone : service.zone === zone)
      return endpointsOf([...after.services.values()].filter(service => service.kind === 'MeshService' && isAffected(service)))
    }
    default:
      return kindByName(kind)?.policy ? policyChange(before, after, change) : [{ kind: 'mesh' }, ...allAgentless(after)]
  }
}

/** The proxies that the policy reached, and those that it reaches. */
function policyChange(before: MeshView, after: MeshView, change: ResourceChange): Touched[] {
  const now = change.kind === 'put' ? (change.resource as Policy) : undefined
  const was = change.previous as Policy | undefined
  if ([now, was].some(policy => policy && (policy.spec.targetRef?.kind ?? 'Mesh') === 'Mesh'))
    return [{ kind: 'mesh' }, ...allAgentless(after)]
  const reached = [...(was ? reachedBy(before, was) : []), ...(now ? reachedBy(after, now) : [])]
  const names = new Set(reached.map(({ name }) => name))
  const proxies = [...names].map(name => ({ kind: 'proxy' as const, name }))
  return reached.some(isAgentless) ? [...proxies, { kind: 'zone-gateways' }, ...workloadsOf(reached)] : proxies
}

function workloadsOf(dataplanes: readonly Dataplane[]): Touched[] {
  const workloads = new Set(dataplanes.filter(isAgentless).map(workloadOf))
  return [...workloads].map(workload => ({ kind: 'agentless', workload }))
}

function allAgentless(view: MeshView): Touched[] {
  const workloads = new Set([...agentlessOf(view).groups].map(group => group.workload))
  return [...workloads].map(workload => ({ kind: 'agentless', workload }))
}

/** Zone gateways answer for workloads without a proxy: only what such a change makes another costs them anything. */
function agentlessChange(before: MeshView, after: MeshView, name: string): Touched[] {
  const dataplanes = [before, after].map(view => view.get('Dataplane', name)).filter(dataplane => dataplane !== undefined)
  // Where a gateway is changes how every one of them is called.
  if (dataplanes.some(dataplane => isZoneIngress(dataplane.spec))) return allAgentless(after)
  const workloads = new Set(dataplanes.filter(isAgentless).map(workloadOf))
  if (workloads.size === 0) return []
  const [was, is] = [agentlessOf(before), agentlessOf(after)]
  const isSame = [...workloads].every(workload => {
    const [old, now] = [was.ofWorkload(workload), is.ofWorkload(workload)]
    return old.length === now.length && old.every((group, index) => group.listener === now[index]!.listener)
  })
  return [
    ...[...workloads].map(workload => ({ kind: 'agentless' as const, workload })),
    ...(isSame ? [] : [{ kind: 'zone-gateways' as const }]),
  ]
}

function instanceEndpoints(view: MeshView, name: string): Touched[] {
  const dataplane = view.get('Dataplane', name)
  return dataplane ? endpointsOf(view.servicesSelecting(dataplane)) : []
}

function serviceChange(before: MeshView, after: MeshView, key: string): Touched[] {
  const [was, now] = [before.services.get(key), after.services.get(key)]
  const isSame = sameDefinition(was, now)
  const touched = [before, after].flatMap((view): Touched[] => {
    const service = view.services.get(key)
    if (!service) return []
    return [...endpointsOf([service]), ...(isSame ? [] : [{ kind: 'callers' as const, service, view }])]
  })
  const hostnames = inOne(was ? generatedHostnames(was) : [], now ? generatedHostnames(now) : [])
  return hostnames.size > 0 ? [...touched, { kind: 'hosts', hostnames }] : touched
}

/** What is in one of the two and not in the other. */
function inOne(a: readonly string[], b: readonly string[]): ReadonlySet<string> {
  return new Set([...a.filter(it => !b.includes(it)), ...b.filter(it => !a.includes(it))])
}

function endpointsOf(services: readonly ServiceView[]): Touched[] {
  return services.map(service => ({ kind: 'endpoints', service }))
}

/** Equal in everything that a caller's plan is made of: only who stands behind it may differ. */
function sameDefinition(a: ServiceView | undefined, b: ServiceView | undefined): boolean {
  if (!a || !b) return false
  const text = ({ resource }: ServiceView) => JSON.stringify([resource.labels, { ...resource.spec, state: undefined }])
  return text(a) === text(b)
}
