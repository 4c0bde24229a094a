import { type Dataplane, type Inbound, isDeclaredReady, reachableAddress } from '../model/kinds/dataplane.ts'
import { zoneIngressLabel } from '../model/labels.ts'
import { agentlessOf } from './agentless.ts'
import type { GatewayServes } from './endpoints.ts'
import type { Endpoint, EndpointGroup } from './plan.ts'
import type { MeshView } from './view.ts'

/** An instance without a proxy, as it answers for a port of a service. */
export interface AgentlessInstance {
  readonly dataplane: Dataplane
  readonly inbound: Inbound
}

/** Where a zone gateway of this zone lets callers in. */
export interface GatewayAddress {
  /** Of the gateway's Dataplane. */
  readonly gateway: string
  readonly address: string
  readonly port: number
}

/** The way of callers: to the gateways of this zone that answer in the name of these instances, each with the number of those as its weight. */
export function throughGateways(view: MeshView, ready: readonly AgentlessInstance[], serves: GatewayServes): Endpoint[] {
  const agentless = agentlessOf(view)
  return gatewayAddresses(view).flatMap(({ gateway, address, port }) => {
    const weight = ready.filter(({ dataplane, inbound }) => {
      const group = agentless.groupOf(dataplane, inbound)
      return group !== undefined && serves(gateway, group.name)
    }).length
    return weight === 0 ? [] : [{ address, port, weight, state: 'healthy' as const, name: gateway }]
  })
}

/** … and from there on: to the listeners of the gateway itself, as it passes on what comes for a service. */
export function throughListeners(view: MeshView, instances: readonly AgentlessInstance[]): Endpoint[] {
  const agentless = agentlessOf(view)
  const counts = new Map<string, number>()
  for (const { dataplane, inbound } of instances) {
    const group = agentless.groupOf(dataplane, inbound)
    if (group && isDeclaredReady(inbound)) counts.set(group.name, (counts.get(group.name) ?? 0) + 1)
  }
  return [...counts].map(([name, weight]) => ({ address: '', port: 0, listener: name, weight, state: 'healthy', name }))
}

/** … to the instances behind such a listener, as their source says that they are. */
export function agentlessInstances(view: MeshView, listener: string): EndpointGroup[] {
  const endpoints = (agentlessOf(view).named(listener)?.members ?? [])
    .filter(({ inbound }) => isDeclaredReady(inbound))
    .map(
      ({ dataplane, inbound }): Endpoint => ({
        address: inbound.serviceAddress ?? inbound.address ?? dataplane.spec.networking.address,
        port: inbound.servicePort ?? inbound.port,
        weight: 1,
        state: 'healthy',
        name: dataplane.name,
      }),
    )
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  return endpoints.length === 0 ? [] : [{ priority: 0, zone: view.zone, subZone: '', weight: endpoints.length, endpoints }]
}

/** Puts gateways beside instances that are called directly. A gateway stands for as many as its weight says, but several of them for the same
 *  ones: each is given its part, and all weights are multiplied so that they stay whole. */
export function addGateways(placeOf: (subZone: string, weight: number) => Endpoint[], gateways: readonly Endpoint[]): void {
  if (gateways.length === 0) return
  const here = placeOf('', 1)
  for (const [index, endpoint] of here.entries()) here[index] = { ...endpoint, weight: endpoint.weight * gateways.length }
  here.push(...gateways)
}

/** Of all zone gateways of this zone, in the order of their names. */
export function gatewayAddresses(view: MeshView): GatewayAddress[] {
  return view
    .dataplanesWith({ [zoneIngressLabel]: 'enabled' })
    .flatMap(({ name, spec }) =>
      (spec.networking.listeners ?? [])
        .filter(listener => listener.type === 'ZoneIngress' && listener.state !== 'NotReady')
        .map(listener => ({ gateway: name, address: reachableAddress(spec, listener), port: listener.port })),
    )
    .sort((a, b) => (a.gateway < b.gateway ? -1 : a.gateway > b.gateway ? 1 : a.port - b.port))
}
