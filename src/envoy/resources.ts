import type { ProxyPlan } from '../policy/plan.ts'
import type { ClientKind } from './client-kind.ts'
import { encodeCluster } from './cluster.ts'
import { collectorName, collectorsOf, encodeCollector } from './collector.ts'
import { encodeListener } from './listener.ts'
import { encodeRouteConfiguration, encodeVirtualHost, virtualHostName } from './route.ts'
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
  /** The message itself, without an Any around it. Equal plans give equal bytes. */
  readonly bytes: Uint8Array
}

/** A plan in Envoy's words: everything but the endpoints, which change by themselves (`endpoint.ts`). */
export function envoyResources(plan: ProxyPlan, client: ClientKind): EnvoyResource[] {
  const resources: EnvoyResource[] = []
  const add = (type: TypeUrl, name: string, bytes: Uint8Array) => resources.push({ type, name, bytes })

  // A proxy without trusted domains has no mTLS; Envoy refuses an empty list.
  if (plan.trust.length > 0) add(typeUrls.secret, trustSecret, encodeTrust(plan.trust))
  for (const cluster of plan.clusters) add(typeUrls.cluster, cluster.name, encodeCluster(cluster, client))
  if (client === 'envoy')
    for (const collector of collectorsOf(plan)) add(typeUrls.cluster, collectorName(collector), encodeCollector(collector))
  for (const listener of plan.listeners) {
    add(typeUrls.listener, listener.name, encodeListener(listener, client, plan.trace))
    const routes = encodeRouteConfiguration(listener, client)
    if (routes) add(typeUrls.routes, listener.name, routes)
  }
  const onDemand = plan.listeners.find(listener => listener.kind === 'http-proxy')
  if (onDemand) {
    for (const host of plan.onDemand)
      add(typeUrls.virtualHost, virtualHostName(onDemand.name, host.name), encodeVirtualHost(onDemand.name, host, client))
  }
  return resources
}
