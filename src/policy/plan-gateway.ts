import { gatewayListenerName, type MeshGateway } from '../model/kinds/mesh-gateway.ts'
import type { MeshHTTPRoute } from '../model/kinds/mesh-http-route.ts'
import { kriOf } from '../model/kri.ts'
import { matchesLabels } from '../model/target-ref.ts'
import { defaultTimeouts } from './defaults.ts'
import { gatewayLayers, planRoutes } from './mesh-http-route.ts'
import { planTimeouts } from './mesh-timeout.ts'
import type { GatewayPlan, VirtualHostPlan } from './plan.ts'
import { anywhere, backendResolver, destinationOf, findBackend, planTraffic, treatRoutes } from './plan-outbound.ts'
import type { Planning } from './planning.ts'
import { effective } from './settings.ts'

type Listener = MeshGateway['spec']['listeners'][number]

/** North-south: what this proxy lets in for the MeshGateways that it serves. Those that share a port share a listener. */
export function planGateways(planning: Planning): GatewayPlan[] {
  const byPort = new Map<number, GatewayPlan & { virtualHosts: VirtualHostPlan[] }>()
  for (const gateway of planning.gateways) {
    for (const listener of gateway.spec.listeners) {
      if (listener.protocol === 'HTTPS') {
        planning.warn(
          kriOf(gateway, gatewayListenerName(listener)),
          'protocol HTTPS is not served by this gateway yet: the listener is left out',
        )
        continue
      }
      const plan = byPort.get(listener.port) ?? emptyGateway(planning, gateway, listener)
      byPort.set(listener.port, plan)
      plan.virtualHosts.push(...virtualHosts(planning, gateway, listener, plan.name))
    }
  }
  return [...byPort.values()]
}

function emptyGateway(planning: Planning, gateway: MeshGateway, listener: Listener): GatewayPlan & { virtualHosts: VirtualHostPlan[] } {
  const { resource, section } = anywhere(planning)
  const timeouts = effective(defaultTimeouts, planning.rules('MeshTimeout').confFor(resource, section))
  return {
    kind: 'gateway',
    name: `gateway_${gateway.name}_${listener.port}`,
    address: planning.dataplane.spec.networking.address,
    port: listener.port,
    protocol: listener.protocol === 'TCP' ? 'tcp' : 'http',
    virtualHosts: [],
    tcp: null,
    timeouts: planTimeouts(timeouts.conf),
    accessLogs: planTraffic(planning, anywhere(planning), gateway.name).accessLogs,
    settings: { MeshTimeout: timeouts.settings },
  }
}

/** One for each host name that the routes of a gateway's listener name. */
function virtualHosts(planning: Planning, gateway: MeshGateway, listener: Listener, listenerName: string): VirtualHostPlan[] {
  const items = (planning.rules('MeshHTTPRoute').policies as readonly MeshHTTPRoute[])
    .filter(policy => policy.spec.targetRef?.kind === 'MeshGateway' && matchesLabels(gateway, policy.spec.targetRef.labels))
    .filter(policy => !policy.spec.targetRef?.sectionName || policy.spec.targetRef.sectionName === gatewayListenerName(listener))
    .flatMap(policy => policy.spec.to.map(item => ({ policy, item })))
  const byHost = new Map<string, typeof items>()
  for (const entry of items) {
    for (const hostname of entry.item.hostnames ?? [listener.hostname ?? '*']) {
      if (!hostnameAllowed(hostname, listener.hostname)) continue
      byHost.set(hostname, [...(byHost.get(hostname) ?? []), entry])
    }
  }
  // Requests are treated as calls to the first backend of their route.
  const treat = treatRoutes(planning, ([ref]) => {
    const found = ref && findBackend(planning, ref)
    return found ? destinationOf(found.service, found.port) : anywhere(planning)
  })
  const { rateLimit, faults, settings } = planTraffic(planning, anywhere(planning), gateway.name)
  return [...byHost].map(([hostname, entries]) => ({
    name: `${listenerName}/${hostname}`,
    domains: [hostname],
    routes: planRoutes({ layers: gatewayLayers(entries), resolve: backendResolver(planning), treat, own: null }),
    rateLimit,
    faults,
    // The listener's own lines say it all.
    accessLogs: [],
    settings,
  }))
}

/** A route's host must be one that its listener admits: equal, or under the listener's wildcard. */
function hostnameAllowed(hostname: string, listener: string | undefined): boolean {
  if (!listener || listener === '*' || hostname === listener) return true
  return listener.startsWith('*.') && hostname.endsWith(listener.slice(1))
}
