import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { MeshService } from '../model/kinds/mesh-service.ts'
import { zoneLabel } from '../model/labels.ts'
import { displayNameOf } from '../model/names.ts'

/** A control plane on one screen: problems first, each with its cause and what to do. */
export interface Overview {
  readonly problems: readonly Problem[]
  readonly zones: readonly ZoneLine[]
  readonly services: readonly ServiceLine[]
  readonly proxies: { readonly total: number; readonly connected: number; readonly ready: number }
}

export interface Problem {
  /** `Zone aws-1`, `Dataplane default/web-1`. */
  readonly about: string
  readonly what: string
  readonly fix: string
}

export interface ZoneLine {
  readonly name: string
  readonly online: boolean
  /** RFC 3339; absent = never. */
  readonly lastHeard?: string
  readonly error?: string
}

export interface ServiceLine {
  readonly mesh: string
  readonly name: string
  readonly zones: readonly { readonly zone: string; readonly healthy: number; readonly total: number }[]
}

export interface ProxyState {
  readonly dataplane: Dataplane
  readonly connected: boolean
  readonly ready: boolean
  /** Why not, '' when it is ready. */
  readonly reason: string
}

export function overview(zones: readonly ZoneLine[], services: readonly MeshService[], proxies: readonly ProxyState[]): Overview {
  const lines = serviceLines(services)
  return {
    problems: [...zones.flatMap(zoneProblems), ...lines.flatMap(serviceProblems), ...proxies.flatMap(proxyProblems)],
    zones,
    services: lines,
    proxies: {
      total: proxies.length,
      connected: proxies.filter(proxy => proxy.connected).length,
      ready: proxies.filter(proxy => proxy.ready).length,
    },
  }
}

function serviceLines(services: readonly MeshService[]): ServiceLine[] {
  const byName = Map.groupBy(services, service => `${service.mesh}/${displayNameOf(service)}`)
  return [...byName.values()].map(group => ({
    mesh: group[0]!.mesh,
    name: displayNameOf(group[0]!),
    zones: group.map(service => ({
      zone: service.labels[zoneLabel] ?? '',
      healthy: service.status?.dataplaneProxies?.healthy ?? 0,
      total: service.status?.dataplaneProxies?.total ?? 0,
    })),
  }))
}

function zoneProblems(zone: ZoneLine): Problem[] {
  if (zone.online && !zone.error) return []
  const what = zone.online ? zone.error! : `not connected${zone.lastHeard ? `, last heard at ${zone.lastHeard}` : ''}`
  return [{ about: `Zone ${zone.name}`, what, fix: 'look at the log of its control plane' }]
}

function serviceProblems(service: ServiceLine): Problem[] {
  if (service.zones.some(zone => zone.healthy > 0)) return []
  return [
    {
      about: `service ${service.mesh}/${service.name}`,
      what: 'no instance is healthy in any zone',
      fix: `skerry get dataplanes -m ${service.mesh}`,
    },
  ]
}

function proxyProblems({ dataplane, ready, reason }: ProxyState): Problem[] {
  if (ready) return []
  return [
    {
      about: `Dataplane ${dataplane.mesh}/${displayNameOf(dataplane)}`,
      what: reason,
      fix: `skerry inspect dataplane ${displayNameOf(dataplane)} -m ${dataplane.mesh}`,
    },
  ]
}
