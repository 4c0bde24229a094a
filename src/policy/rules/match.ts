import type { Dataplane } from '../../model/kinds/dataplane.ts'
import type { MeshGateway } from '../../model/kinds/mesh-gateway.ts'
import { effectLabel, namespaceLabel, originLabel, proxyLabel, zoneLabel } from '../../model/labels.ts'
import type { Resource } from '../../model/resource.ts'
import { matchesLabels } from '../../model/target-ref.ts'
import type { Policy } from './policy.ts'
import { roleOf } from './role.ts'

/** A proxy as policies see it. */
export interface PolicyProxy {
  readonly dataplane: Pick<Dataplane, 'name' | 'labels' | 'spec'>
  /** MeshGateway resources that are served by this proxy. */
  readonly gateways: readonly Resource[]
}

/** A place where a proxy lets traffic in: an inbound, or a listener of a zone gateway. */
export interface Entrance {
  readonly name?: string | undefined
  readonly port: number
}

/** `kuma.io/effect: shadow`: to be evaluated on demand, not to be applied. */
export function isShadow(policy: Policy): boolean {
  return policy.labels[effectLabel] === 'shadow'
}

/** The MeshGateways that a proxy serves: of those that select it, if it is a gateway of ours. */
export function servedGateways(dataplane: Pick<Dataplane, 'name' | 'labels' | 'spec'>, gateways: Iterable<MeshGateway>): MeshGateway[] {
  if (dataplane.spec.networking.gateway?.type !== 'BUILTIN') return []
  return [...gateways].filter(gateway => matchesLabels(dataplane, gateway.spec.selector.matchLabels))
}

/** Does a policy apply to a proxy, or to a part of it? Whether it is a shadow is not asked here. */
export function reaches(policy: Policy, proxy: PolicyProxy): boolean {
  const { dataplane } = proxy
  if (!isOfZone(policy, dataplane.labels) || !isOfNamespace(policy, dataplane.labels)) return false
  const target = policy.spec.targetRef
  switch (target?.kind ?? 'Mesh') {
    case 'Mesh':
      return isWhole(dataplane) || entrancesOf(dataplane).length > 0
    case 'Dataplane':
      return (
        matchesLabels(dataplane, target?.labels) &&
        (isWhole(dataplane) || entrancesOf(dataplane).some(entrance => isSection(entrance, target?.sectionName)))
      )
    case 'MeshGateway':
      return proxy.gateways.some(gateway => matchesLabels(gateway, target?.labels))
    default:
      return false
  }
}

/** Does a policy that reaches a proxy apply to this entrance of it? */
export function reachesEntrance(policy: Policy, entrance: Entrance): boolean {
  const target = policy.spec.targetRef
  return target?.kind !== 'Dataplane' || isSection(entrance, target.sectionName)
}

/** All of them, in the Dataplane's order, inbounds first. */
export function entrancesOf({ spec }: Pick<Dataplane, 'spec'>): readonly Entrance[] {
  return [...(spec.networking.inbound ?? []), ...(spec.networking.listeners ?? [])]
}

/** By name or by number; '' and absent mean all of them. */
function isSection(entrance: Entrance, sectionName: string | undefined): boolean {
  return !sectionName || entrance.name === sectionName || String(entrance.port) === sectionName
}

/** A zone's policy is for its own proxies, unless it speaks for a service of that zone. A proxy of no zone is for all. */
function isOfZone(policy: Policy, { [originLabel]: origin, [zoneLabel]: zone }: Dataplane['labels']): boolean {
  if (origin !== 'zone' || zone === undefined || roleOf(policy) === 'producer') return true
  const policyZone = policy.labels[zoneLabel]
  return policy.labels[originLabel] !== 'zone' || policyZone === undefined || policyZone === zone
}

/** What somebody says in a namespace as a caller or as a workload's owner is for the proxies in that namespace. */
function isOfNamespace(policy: Policy, labels: Dataplane['labels']): boolean {
  const role = roleOf(policy)
  if (role !== 'consumer' && role !== 'workload-owner') return true
  const namespace = policy.labels[namespaceLabel]
  return namespace !== undefined && namespace === labels[namespaceLabel]
}

/** Is it reached as a whole, having no entrance to be reached by? A gateway, and an application without a proxy that only calls. */
function isWhole(dataplane: Pick<Dataplane, 'labels' | 'spec'>): boolean {
  const { spec, labels } = dataplane
  return spec.networking.gateway !== undefined || (labels[proxyLabel] === 'grpc' && entrancesOf(dataplane).length === 0)
}
