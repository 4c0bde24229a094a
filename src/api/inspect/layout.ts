import {
  type Dataplane,
  inboundListenerName,
  inboundName,
  type ProxyListener,
  zoneIngressListenerName,
} from '../../model/kinds/dataplane.ts'
import { portName } from '../../model/kinds/mesh-service.ts'
import { kriOf } from '../../model/kri.ts'
import type { Resource } from '../../model/resource.ts'
import { matchesLabels } from '../../model/target-ref.ts'
import { identityFor } from '../../policy/mesh-identity.ts'
import type { ProxyPlan } from '../../policy/plan.ts'
import { findBackend } from '../../policy/plan-outbound.ts'
import { planProxy } from '../../policy/plan-proxy.ts'
import type { Planning } from '../../policy/planning.ts'
import { destinationKinds, portsOf } from './destinations.ts'
import type { MeshPolicies } from './mesh-policies.ts'

/** `_layout`: where a proxy lets traffic in and out, each place with its KRI. */
export function showLayout(policies: MeshPolicies, dataplane: Dataplane) {
  const { inbound = [], listeners = [] } = dataplane.spec.networking
  const planning = policies.planning(dataplane)
  const plan = planProxy(planning.view, dataplane)
  const list = policies.list(dataplane.mesh)
  const spiffeId = spiffeIdOf(planning, plan)
  return {
    kri: kriOf(dataplane),
    labels: Object.keys(dataplane.labels).length > 0 ? dataplane.labels : null,
    ...(spiffeId === null ? {} : { spiffeId }),
    inbounds: inbound.map(one => ({
      kri: kriOf(dataplane, inboundName(one)),
      port: one.port,
      protocol: one.protocol ?? '',
      proxyResourceName: inboundListenerName(one),
    })),
    outbounds: outboundsOf(
      planning,
      plan,
      destinationKinds.flatMap(kind => list(kind)),
    ),
    listeners: listeners.map(one => ({
      kri: kriOf(dataplane, one.name ?? String(one.port)),
      port: one.port,
      type: one.type,
      proxyResourceName: listenerName(one),
    })),
  }
}

function listenerName(listener: ProxyListener): string {
  return listener.type === 'ZoneIngress' ? zoneIngressListenerName(listener) : `zone_egress_${listener.name ?? listener.port}`
}

/** null: no MeshIdentity selects the proxy, or the one that does is not ready. */
function spiffeIdOf({ view, dataplane }: Planning, { mesh, name, zone, labels, spiffeId }: ProxyPlan): string | null {
  const identity = identityFor(view.list('MeshIdentity'), { mesh, name, zone, labels: dataplane.labels ?? labels })
  const isRefused = identity?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'False')
  return isRefused ? null : spiffeId
}

/** The ports that a proxy can call: those it lists, else those that it says are reachable, else all. */
function outboundsOf(planning: Planning, plan: ProxyPlan, destinations: readonly Resource[]) {
  const { outbound = [], transparentProxying, httpProxy } = planning.dataplane.spec.networking
  const refs = transparentProxying?.reachableBackends?.refs
  const ports =
    httpProxy !== undefined || (outbound.length === 0 && refs === undefined)
      ? destinations.flatMap(destination => portsIn(destination, undefined))
      : outbound.length > 0
        ? listedPorts(planning, plan)
        : refs!.flatMap(ref => {
            const meant = destinations.filter(({ kind }) => kind === ref.kind)
            return ref.labels === undefined ? [] : meant.filter(it => matchesLabels(it, ref.labels)).flatMap(it => portsIn(it, ref.port))
          })
  const byKri = new Map(ports.map(port => [port.kri, port]))
  return [...byKri.values()].sort((a, b) => (a.kri < b.kri ? -1 : 1))
}

/** Of what a proxy lists, what leads somewhere, under the name that its listener has. */
function listedPorts(planning: Planning, { listeners }: ProxyPlan) {
  const planned = listeners.filter(listener => listener.kind === 'outbound')
  return (planning.dataplane.spec.networking.outbound ?? []).flatMap(({ backendRef }, index) => {
    const found = findBackend(planning, { ...backendRef, kind: backendRef.kind ?? null })
    if (!found) return []
    const { name, port, appProtocol } = found.port
    return [{ kri: kriOf(found.service.resource, name), port, protocol: appProtocol as string, proxyResourceName: planned[index]!.name }]
  })
}

function portsIn(resource: Resource, number: number | undefined) {
  return portsOf(resource)
    .filter(({ port }) => number === undefined || port === number)
    .map(port => {
      const kri = kriOf(resource, portName(port))
      return { kri, port: port.port, protocol: port.protocol, proxyResourceName: kri }
    })
}
