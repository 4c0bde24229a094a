import type { TcpRouteRule } from '../model/kinds/mesh-tcp-route.ts'
import type { ResolveBackend } from './mesh-http-route.ts'
import type { WeightedCluster } from './plan.ts'
import type { RuleConf } from './rules/policy.ts'

/** Where connections to a service go: to the service itself, unless a route says otherwise. What exists of a route's backends is taken; when
 *  none does, connections go nowhere. https://kuma.io/docs/latest/policies/meshtcproute/ */
export function planTcpBackends(route: RuleConf | null, own: WeightedCluster, resolve: ResolveBackend): WeightedCluster[] {
  const backends = (route?.conf as TcpRouteRule | undefined)?.default.backendRefs
  const policy = route?.origins.at(-1)?.kri ?? ''
  return backends ? backends.map(ref => resolve(ref, policy)).filter(backend => backend !== null) : [own]
}
