import type { ProxyPlan } from '../policy/plan.ts'
import type { DataPlaneKind } from './client-kind.ts'
import { grpcResources } from './grpc/resources.ts'
import { patchResources } from './patch/proxy-patch.ts'
import { type EnvoyResource, envoyResources, typeUrls } from './resources.ts'
import { encodeTrust } from './secret.ts'
import { trustSecret } from './tls.ts'

/**
 * All that a data plane is told but the endpoints: its plan in Envoy's words, and for an Envoy what patches make of that. `asked`: the names of
 * listeners that a gRPC application wants; it gets no others. `learnsHosts`: see there; one that does not gets no port that needs it.
 */
export function proxyResources(
  plan: ProxyPlan,
  client: DataPlaneKind,
  { asked = [], learnsHosts = true }: { readonly asked?: Iterable<string>; readonly learnsHosts?: boolean } = {},
): readonly EnvoyResource[] {
  if (client === 'grpc') return grpcResources(plan, asked)
  const told = learnsHosts ? plan : { ...plan, listeners: plan.listeners.filter(({ kind }) => kind !== 'http-proxy') }
  const resources = envoyResources(told, client)
  return client === 'envoy' ? patchResources(resources, plan).resources : resources
}

/** The bundles alone. */
export function trustResources({ trust }: ProxyPlan): readonly EnvoyResource[] {
  return trust.length === 0 ? [] : [{ type: typeUrls.secret, name: trustSecret, bytes: encodeTrust(trust) }]
}
