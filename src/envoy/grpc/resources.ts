import type { InboundPlan, ProxyPlan } from '../../policy/plan.ts'
import { type EnvoyResource, typeUrls } from '../resources.ts'
import { encodeGrpcCluster } from './cluster.ts'
import { encodeApiListener, encodeServerListener } from './listener.ts'
import { serverAddress } from './names.ts'
import { encodeGrpcRoutes } from './route.ts'

/**
 * A plan in gRPC's words: a listener for each name that it asks for – a service that it calls, by any name of it, or a port that it serves on –
 * with the routes and clusters behind it. A name without one stands for nothing here.
 */
export function grpcResources(plan: ProxyPlan, asked: Iterable<string>): EnvoyResource[] {
  const resources: EnvoyResource[] = []
  const called = new Map(plan.onDemand.map(host => [host.name, host]))
  for (const name of asked) {
    const server = serverAddress(name)
    const inbound = server && inboundOn(plan, server.port)
    const host = called.get(name)
    if (server && inbound) resources.push({ type: typeUrls.listener, name, bytes: encodeServerListener(name, server, inbound) })
    if (!server && host) {
      resources.push({ type: typeUrls.listener, name, bytes: encodeApiListener(name) })
      resources.push({ type: typeUrls.routes, name, bytes: encodeGrpcRoutes(name, host) })
    }
  }
  for (const cluster of plan.clusters)
    if (cluster.kind === 'service') resources.push({ type: typeUrls.cluster, name: cluster.name, bytes: encodeGrpcCluster(cluster) })
  return resources
}

function inboundOn(plan: ProxyPlan, port: number): InboundPlan | undefined {
  return plan.listeners.find((listener): listener is InboundPlan => listener.kind === 'inbound' && listener.port === port)
}
