import type { ProxyPlan } from '../policy/plan.ts'
import type { ClientKind } from './client-kind.ts'
import { patchResources } from './patch/proxy-patch.ts'
import { type EnvoyResource, envoyResources } from './resources.ts'

/** All that a proxy is told but the endpoints: its plan in Envoy's words, and for an Envoy what patches make of that. */
export function proxyResources(plan: ProxyPlan, client: ClientKind): readonly EnvoyResource[] {
  const resources = envoyResources(plan, client)
  return client === 'envoy' ? patchResources(resources, plan).resources : resources
}
