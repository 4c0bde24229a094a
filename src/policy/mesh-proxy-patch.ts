import type { ProxyModification } from '../model/kinds/mesh-proxy-patch.ts'
import type { Origin } from './plan.ts'
import type { Layer } from './rules/policy.ts'
import { originText } from './settings.ts'

/** A change to what is made for an Envoy, after everything else; no other data plane can be changed in this way. */
export interface ProxyPatchPlan {
  readonly modification: ProxyModification
  readonly origin: Origin
}

/** In the order in which they are applied. https://kuma.io/docs/latest/policies/meshproxypatch/ */
export function planProxyPatches(layers: readonly Layer[]): ProxyPatchPlan[] {
  return layers.flatMap(({ conf, origin }) => {
    const { appendModifications = [] } = (conf ?? {}) as { readonly appendModifications?: readonly ProxyModification[] }
    return appendModifications.map(modification => ({ modification, origin: originText(origin) }))
  })
}
