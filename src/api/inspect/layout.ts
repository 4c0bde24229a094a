import {
  type Dataplane,
  inboundListenerName,
  inboundName,
  type Outbound,
  type ProxyListener,
  zoneIngressListenerName,
} from '../../model/kinds/dataplane.ts'
import type { MeshIdentity } from '../../model/kinds/mesh-identity.ts'
import { portName } from '../../model/kinds/mesh-service.ts'
import { kriOf } from '../../model/kri.ts'
import { zoneLabel } from '../../model/labels.ts'
import type { Resource } from '../../model/resource.ts'
import { matchesLabels } from '../../model/target-ref.ts'
import { identityFor, spiffeIdFor } from '../../policy/mesh-identity.ts'
import { nearestService } from '../../policy/rules/find-service.ts'
import { destinationKinds, portsOf } from './destinations.ts'
import type { MeshPolicies } from './mesh-policies.ts'

/** `_layout`: where a proxy lets traffic in and out, each place with its KRI. `zone` = that of a Dataplane which does not say its own. */
export function showLayout(policies: MeshPolicies, dataplane: Dataplane, zone: string) {
  const { inbound = [], listeners = [] } = dataplane.spec.networking
  const list = policies.list(dataplane.mesh)
  const spiffeId = spiffeIdOf(dataplane, list('MeshIdentity') as readonly MeshIdentity[], zone)
  return {
    kri: kriOf(dataplane),
    labels: Object.keys(dataplane.labels).length > 0 ? dataplane.labels : null,
    ...(spiffeId === undefined ? {} : { spiffeId }),
    inbounds: inbound.map(one => ({
      kri: kriOf(dataplane, inboundName(one)),
      port: one.port,
      protocol: one.protocol ?? '',
      proxyResourceName: inboundListenerName(one),
    })),
    outbounds: outboundsOf(
      dataplane,
      destinationKinds.flatMap(kind => list(kind)),
      zone,
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

/** undefined: none selects it, or the one that does is not ready. */
function spiffeIdOf({ mesh, name, labels }: Dataplane, identities: readonly MeshIdentity[], ownZone: string): string | undefined {
  const subject = { mesh, name, labels, zone: labels[zoneLabel] ?? ownZone }
  const identity = identityFor(identities, subject)
  const isRefused = identity?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'False')
  return identity && !isRefused ? spiffeIdFor(identity, subject) : undefined
}

/** The ports that a proxy can call: those it lists, else those that it says are reachable, else all. */
function outboundsOf({ labels, spec }: Dataplane, destinations: readonly Resource[], ownZone: string) {
  const { outbound = [], transparentProxying, httpProxy } = spec.networking
  const refs = transparentProxying?.reachableBackends?.refs
  const zone = labels[zoneLabel] ?? ownZone
  const ports =
    httpProxy !== undefined || (outbound.length === 0 && refs === undefined)
      ? destinations.flatMap(destination => portsIn(destination, undefined))
      : outbound.length > 0
        ? outbound.flatMap(({ backendRef }) => backendPorts(backendRef, destinations, zone))
        : refs!.flatMap(ref => {
            const meant = destinations.filter(({ kind }) => kind === ref.kind)
            return ref.labels === undefined ? [] : meant.filter(it => matchesLabels(it, ref.labels)).flatMap(it => portsIn(it, ref.port))
          })
  const byKri = new Map(ports.map(port => [port.kri, port]))
  return [...byKri.values()].sort((a, b) => (a.kri < b.kri ? -1 : 1))
}

/** Without a port it is the first that is meant, as where the proxy's plan is made. */
function backendPorts(ref: Outbound['backendRef'], destinations: readonly Resource[], zone: string) {
  const services = destinations.map(resource => ({ resource, zone: resource.labels[zoneLabel] ?? '' }))
  const nearest = nearestService(services, ref, zone)
  const ports = nearest ? portsIn(nearest.resource, ref.port) : []
  return ref.port === undefined ? ports.slice(0, 1) : ports
}

function portsIn(resource: Resource, number: number | undefined) {
  return portsOf(resource)
    .filter(({ port }) => number === undefined || port === number)
    .map(port => {
      const kri = kriOf(resource, portName(port))
      return { kri, port: port.port, protocol: port.protocol, proxyResourceName: kri }
    })
}
