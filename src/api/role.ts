import type { Origin } from '../model/compute-labels.ts'

/** Which control plane this is. A zone with a global is `federated`: what global provides is then not its own to write. */
export type ControlPlaneRole = { readonly kind: 'global' } | { readonly kind: 'zone'; readonly zone: string; readonly federated: boolean }

export function originOf(role: ControlPlaneRole): Origin {
  return role.kind === 'global' ? { mode: 'global' } : { mode: 'zone', zone: role.zone }
}
