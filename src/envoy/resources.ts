import type { ClusterPlan, ListenerPlan, ProxyPlan, VirtualHostPlan } from '../policy/plan.ts'
import type { ClientKind } from './client-kind.ts'
import { encodeCluster } from './cluster.ts'
import { collectorName, collectorsOf, encodeCollector } from './collector.ts'
import { encodeListener } from './listener.ts'
import { encodeRouteConfiguration, encodeVirtualHost, hasRoutes, virtualHostName } from './route.ts'
import { encodeTrust } from './secret.ts'
import { trustSecret } from './tls.ts'

export const typeUrls = {
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  routes: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
  virtualHost: 'type.googleapis.com/envoy.config.route.v3.VirtualHost',
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  endpoints: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  secret: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
} as const

export type TypeUrl = (typeof typeUrls)[keyof typeof typeUrls]

export interface EnvoyResource {
  readonly type: TypeUrl
  readonly name: string
  /** The message itself, without an Any around it. Equal plans give equal bytes. Encoded when it is read, and each time: whoever needs it again
   *  keeps what it made of it. */
  readonly bytes: Uint8Array
}

/** A plan in Envoy's words: everything but the endpoints, which change by themselves (`endpoint.ts`). What plans share is the same object in
 *  each answer. */
export function envoyResources(plan: ProxyPlan, client: ClientKind): EnvoyResource[] {
  const resources: EnvoyResource[] = []
  const shared = sharedBy(client)

  // A proxy without trusted domains has no mTLS; Envoy refuses an empty list.
  if (plan.trust.length > 0) resources.push(resource(typeUrls.secret, trustSecret, () => encodeTrust(plan.trust)))
  for (const cluster of plan.clusters) resources.push(shared.cluster(cluster))
  if (client === 'envoy') {
    for (const collector of collectorsOf(plan))
      resources.push(resource(typeUrls.cluster, collectorName(collector), () => encodeCollector(collector)))
  }
  for (const listener of plan.listeners) {
    // What most listeners say depends on what the proxy traces as well.
    resources.push(
      plan.trace && listener.kind !== 'agentless'
        ? resource(typeUrls.listener, listener.name, () => encodeListener(listener, client, plan.trace))
        : shared.listener(listener),
    )
    if (hasRoutes(listener)) resources.push(shared.routes(listener))
  }
  const onDemand = plan.listeners.find(listener => listener.kind === 'http-proxy')
  if (onDemand) {
    for (const host of plan.onDemand) {
      const name = virtualHostName(onDemand.name, host.name)
      resources.push(resource(typeUrls.virtualHost, name, () => encodeVirtualHost(onDemand.name, host, client)))
    }
  }
  return resources
}

function resource(type: TypeUrl, name: string, encode: () => Uint8Array): EnvoyResource {
  return {
    type,
    name,
    get bytes() {
      return encode()
    },
  }
}

interface SharedResources {
  cluster(plan: ClusterPlan): EnvoyResource
  listener(plan: ListenerPlan): EnvoyResource
  routes(plan: ListenerPlan): EnvoyResource
}

const sharedByClient = new Map<ClientKind, SharedResources>()

/** What is made of the parts that plans share, for as long as a plan has them. */
function sharedBy(client: ClientKind): SharedResources {
  const known = sharedByClient.get(client)
  if (known) return known
  const routes = new WeakMap<VirtualHostPlan, Map<string, EnvoyResource>>()
  const shared: SharedResources = {
    cluster: once(plan => resource(typeUrls.cluster, plan.name, () => encodeCluster(plan, client))),
    listener: once(plan => resource(typeUrls.listener, plan.name, () => encodeListener(plan, client))),
    routes(plan) {
      const make = () => resource(typeUrls.routes, plan.name, () => encodeRouteConfiguration(plan, client)!)
      if (plan.kind !== 'outbound' || plan.target.protocol === 'tcp') return make()
      // Listeners on other ports have the same routes.
      const { virtualHost } = plan.target
      const byName = routes.get(virtualHost) ?? new Map<string, EnvoyResource>()
      routes.set(virtualHost, byName)
      const made = byName.get(plan.name) ?? make()
      byName.set(plan.name, made)
      return made
    },
  }
  sharedByClient.set(client, shared)
  return shared
}

function once<T extends object>(make: (plan: T) => EnvoyResource): (plan: T) => EnvoyResource {
  const known = new WeakMap<T, EnvoyResource>()
  return plan => {
    let made = known.get(plan)
    if (!made) {
      made = make(plan)
      known.set(plan, made)
    }
    return made
  }
}
