import type { Inbound } from '../model/kinds/dataplane.ts'
import { kriOf } from '../model/kri.ts'
import type { Resource } from '../model/resource.ts'
import type { Settings } from './plan.ts'
import { planInbound } from './plan-inbound.ts'
import { destinationOf, planServiceHost, planTcpTarget, treatRoutes } from './plan-outbound.ts'
import type { Planning } from './planning.ts'
import type { ServicePort, ServiceView } from './service-index.ts'

/**
 * What is in force when a proxy calls a port of a service, kind by kind, by whose word: of its connections, and of its requests. Taken
 * from what the proxy is told, or would be if it asked for that service. `route`: of the requests that this MeshHTTPRoute takes; else of
 * those that no route treats otherwise.
 */
export function callSettings(planning: Planning, service: ServiceView, port: ServicePort, route?: Resource): Settings {
  const name = kriOf(service.resource, port.name)
  const target = port.protocol === 'http' ? planServiceHost(planning, name, ['*'], service, port) : planTcpTarget(planning, service, port)
  const cluster = planning.clusters.get(name)!
  const ofConnections = cluster.kind === 'service' ? cluster.settings : {}
  const ofRequests = port.protocol === 'http' ? treatRoutes(planning, () => destinationOf(service, port))(route, []).settings : {}
  return together([ofConnections, target.settings, ofRequests])
}

/** What is in force for what comes in there, of the kinds that do not tell callers apart. */
export function inboundSettings(planning: Planning, inbound: Inbound): Settings {
  return planInbound(planning, inbound).settings
}

/** A connection and its requests may be of one policy: each says its part of it. */
function together(parts: readonly Settings[]): Settings {
  const settings: Record<string, Settings[string]> = {}
  for (const part of parts) {
    for (const [kind, list] of Object.entries(part)) {
      const known = settings[kind] ?? []
      settings[kind] = [...known, ...list.filter(({ path }) => !known.some(setting => setting.path === path))]
    }
  }
  return settings
}
