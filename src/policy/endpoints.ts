import { type Dataplane, inboundName, isAgentless } from '../model/kinds/dataplane.ts'
import { type MeshService, portName } from '../model/kinds/mesh-service.ts'
import { targetedInbound } from '../model/service-instances.ts'
import { type AgentlessInstance, addGateways, agentlessInstances, throughGateways, throughListeners } from './agentless-endpoints.ts'
import { type MutualTrust, mutualTrust } from './mutual-trust.ts'
import type { Endpoint, EndpointGroup, EndpointSet, EndpointSetRef, FailoverRule, LocalityPlan } from './plan.ts'
import type { ServiceView } from './service-index.ts'
import type { MeshView } from './view.ts'

/** Whether an instance gets requests; from live facts, which a view does not hold. */
export type InstanceState = (dataplane: Dataplane, inbound: string) => 'ready' | 'draining' | 'not-ready'

/** Why a zone is not to be relied on; null = nothing speaks against it. From live facts too. */
export type ZoneDoubt = (zone: string) => string | null

/** Has a zone gateway of this zone opened this listener, by name? From live facts too. */
export type GatewayServes = (gateway: string, listener: string) => boolean

const noDoubt: ZoneDoubt = () => null
const servesAll: GatewayServes = () => true
/** After every tier that a policy can make. */
const lastTier = Number.MAX_SAFE_INTEGER

export function endpointSetRef(service: string, section: string, scope: EndpointSetRef['scope'], locality: LocalityPlan): EndpointSetRef {
  return { key: JSON.stringify([service, section, scope, locality]), service, section, scope, locality }
}

/** Who can be reached under this ref, ranked. Unknown services and services of other zones that cannot be reached have no endpoints; a zone
 *  in doubt comes after all others, but stays. */
export function planEndpoints(
  view: MeshView,
  ref: EndpointSetRef,
  stateOf: InstanceState,
  doubt: ZoneDoubt = noDoubt,
  serves: GatewayServes = servesAll,
): EndpointSet {
  if (ref.scope === 'agentless')
    return { key: ref.key, groups: agentlessInstances(view, ref.section), overprovisioning: ref.locality.overprovisioning }
  const service = view.services.get(ref.service)
  const groups = service ? groupsOf(view, service, ref, { stateOf, doubt, serves }) : []
  const ordered = groups.sort((a, b) => a.priority - b.priority || compareTexts(a.zone, b.zone) || compareTexts(a.subZone, b.subZone))
  return { key: ref.key, groups: ref.locality.exact ? ordered : contiguous(ordered), overprovisioning: ref.locality.overprovisioning }
}

interface LiveEndpointFacts {
  readonly stateOf: InstanceState
  readonly doubt: ZoneDoubt
  readonly serves: GatewayServes
}

function groupsOf(view: MeshView, service: ServiceView, ref: EndpointSetRef, live: LiveEndpointFacts): EndpointGroup[] {
  const groups: EndpointGroup[] = []
  for (const member of view.membersOf(service)) {
    const section = memberPort(service, ref.section, member)
    if (section === null) continue
    const priority = priorityOf(member.zone, view.zone, ref.locality)
    if (priority === null) continue
    if (member.zone === view.zone) groups.push(...localGroups(view, member, section, priority, ref, live))
    else if (ref.scope === 'all') groups.push(...remoteGroup(view, member, priority, live.doubt(member.zone)))
  }
  return groups
}

/** The port of a member that a MeshMultiZoneService's port stands for: of the same name, else of the same number. */
export function memberPort(service: ServiceView, section: string, member: ServiceView): string | null {
  if (service === member) return section
  const own = service.ports.find(port => port.name === section)
  if (!own) return null
  const found = member.ports.find(port => port.name === own.name) ?? member.ports.find(port => port.port === own.port)
  return found?.name ?? null
}

function localGroups(
  view: MeshView,
  service: ServiceView,
  section: string,
  priority: number,
  { scope, locality }: EndpointSetRef,
  { stateOf, serves }: LiveEndpointFacts,
): EndpointGroup[] {
  const bySubZone = new Map<string, { weight: number; endpoints: Endpoint[] }>()
  const groupOf = (subZone: string, weight: number) => {
    const group = bySubZone.get(subZone) ?? { weight, endpoints: [] }
    bySubZone.set(subZone, group)
    return group.endpoints
  }
  const resource = service.resource as MeshService
  const wanted = resource.spec.ports?.find(port => portName(port) === section)
  if (!wanted) return []
  const agentless: AgentlessInstance[] = []
  for (const dataplane of view.instancesOf(resource)) {
    const networking = dataplane.spec.networking
    const inbound = targetedInbound(dataplane, wanted)
    if (!inbound || inbound.state === 'Ignored') continue
    if (isAgentless(dataplane)) {
      agentless.push({ dataplane, inbound })
      continue
    }
    const state = stateOf(dataplane, inboundName(inbound))
    if (state === 'not-ready') continue
    const { subZone, weight } = subZoneOf(dataplane, locality)
    groupOf(subZone, weight).push({
      address: inbound.address ?? networking.address,
      port: inbound.port,
      weight: 1,
      state: state === 'draining' ? 'draining' : 'healthy',
      name: dataplane.name,
    })
  }
  if (agentless.length > 0 && scope === 'local') groupOf('', 1).push(...throughListeners(view, agentless))
  // Callers are let in by a gateway that has taken the service's name, and that is what `Available` says.
  else if (agentless.length > 0 && resource.spec.state !== 'Unavailable') {
    const ready = agentless.filter(({ dataplane, inbound }) => stateOf(dataplane, inboundName(inbound)) === 'ready')
    addGateways(groupOf, throughGateways(view, ready, serves))
  }
  return [...bySubZone]
    .filter(([, { endpoints }]) => endpoints.length > 0)
    .map(([subZone, { weight, endpoints }]) => ({
      priority,
      zone: view.zone,
      subZone,
      weight: locality.affinity.length > 0 ? weight : endpoints.reduce((sum, endpoint) => sum + endpoint.weight, 0),
      endpoints: endpoints.sort((a, b) => compareTexts(a.name, b.name)),
    }))
}

function subZoneOf(dataplane: Dataplane, locality: LocalityPlan): { subZone: string; weight: number } {
  for (const { key, value, weight } of locality.affinity) {
    if (dataplane.labels[key] === value) return { subZone: `${key}=${value}`, weight }
  }
  return { subZone: '', weight: 1 }
}

/** Another zone's instances are reached through that zone's gateways, weighted by how many of them are healthy. */
function remoteGroup(view: MeshView, member: ServiceView, priority: number, demoted: string | null): EndpointGroup[] {
  const service = member.resource as MeshService
  if (service.spec.state === 'Unavailable') return []
  // Published when a handshake succeeds from either side, which is more than that the bundle is there: proxies have taken it.
  if (trustBetween(view, member).kind !== 'trusted') return []
  const addresses = view.addressesOf(member.zone)
  if (addresses.length === 0) return []
  const capacity = view.capacityOf(member)
  const healthy = capacity?.spec.healthy ?? 1
  if (healthy === 0) return []
  const endpoints = addresses.map<Endpoint>(address => ({
    address: address.spec.address,
    port: address.spec.port,
    weight: 1,
    state: 'healthy',
    name: `zone ${member.zone}`,
  }))
  const weight = Math.max(1, capacity?.spec.weight ?? healthy)
  const group = { zone: member.zone, subZone: '', weight, endpoints }
  return [demoted === null ? { ...group, priority } : { ...group, priority: lastTier, demoted }]
}

/** Whether this zone's proxies and those of a service of another zone believe each other. */
export function trustBetween(view: MeshView, member: ServiceView): MutualTrust {
  return mutualTrust({
    mesh: view.mesh,
    caller: view.zone,
    callee: member.zone,
    ofCaller: view.acknowledgementOf(view.zone),
    ofCallee: view.acknowledgementOf(member.zone),
    identities: (member.resource as MeshService).spec.identities?.map(identity => identity.value) ?? [],
  })
}

/** Rank of a zone for callers of this view's zone; null = not used. The caller's own zone comes first, unless a rule names it (`Only`): then it
 *  stands where that rule stands, so that one list of tiers can prefer another zone. */
export function priorityOf(zone: string, own: string, locality: LocalityPlan): number | null {
  if (locality.ignoreZones) return 0
  const rules = locality.failover
  if (locality.exact && zone === own) return 0
  if (zone === own) {
    const named = rules?.findIndex(rule => rule.type === 'Only' && rule.zones.includes(own)) ?? -1
    return named === -1 ? 0 : named + 1
  }
  if (rules === null) return 1
  const admitted = rules.findIndex(rule => admits(rule, zone))
  if (admitted === -1) return null
  return locality.exact ? rules[admitted]!.index + 1 : admitted + 1
}

/** `None` admits nothing, and does not keep a later rule from admitting. */
function admits(rule: FailoverRule, zone: string): boolean {
  switch (rule.type) {
    case 'Any':
      return true
    case 'None':
      return false
    case 'Only':
      return rule.zones.includes(zone)
    case 'AnyExcept':
      return !rule.zones.includes(zone)
  }
}

/** Priorities without gaps, of groups in their order: proxyless gRPC clients refuse a list with gaps. */
function contiguous(groups: readonly EndpointGroup[]): EndpointGroup[] {
  const used = [...new Set(groups.map(group => group.priority))]
  return groups.map(group => ({ ...group, priority: used.indexOf(group.priority) }))
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
