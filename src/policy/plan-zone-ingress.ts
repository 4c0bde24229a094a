import { zoneIngressListenerName } from '../model/kinds/dataplane.ts'
import { sniOf } from '../model/sni.ts'
import { dialledNames } from './dialled-names.ts'
import { memberPort } from './endpoints.ts'
import type { ZoneIngressPlan } from './plan.ts'
import { ingressCluster } from './plan-cluster.ts'
import type { Planning } from './planning.ts'

/** What a zone gateway offers to other zones: each service of its own zone, by its own SNI and by that of what unites it with others. */
export function planZoneIngress(
  planning: Planning,
  listener: { readonly address: string; readonly port: number; readonly name?: string | undefined },
): ZoneIngressPlan {
  const { view } = planning
  const chains: { sni: string; cluster: string }[] = []
  const dialled: typeof chains = []
  const dialledAsUnion: typeof chains = []
  for (const service of view.services.values()) {
    if (service.kind !== 'MeshService' || service.zone !== view.zone) continue
    for (const port of service.ports) {
      const cluster = ingressCluster(planning, service, port)
      chains.push({ sni: sniOf(service.resource, port.name), cluster })
      const { own, united } = dialledNames(view, service, port)
      dialled.push(...own.map(sni => ({ sni, cluster })))
      dialledAsUnion.push(...united.map(sni => ({ sni, cluster })))
      for (const union of view.unionsOf(service)) {
        for (const unionPort of union.ports) {
          if (memberPort(union, unionPort.name, service) === port.name) chains.push({ sni: sniOf(union.resource, unionPort.name), cluster })
        }
      }
    }
  }
  // Of one name the first counts.
  chains.push(...dialled, ...dialledAsUnion)
  chains.sort((a, b) => (a.sni < b.sni ? -1 : a.sni > b.sni ? 1 : 0))
  return {
    kind: 'zone-ingress',
    name: zoneIngressListenerName(listener),
    address: listener.address,
    port: listener.port,
    chains: chains.filter((chain, index) => chain.sni !== chains[index - 1]?.sni),
  }
}
