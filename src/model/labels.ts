export const displayNameLabel = 'kuma.io/display-name'
export const meshLabel = 'kuma.io/mesh'
export const originLabel = 'kuma.io/origin'
export const zoneLabel = 'kuma.io/zone'
export const envLabel = 'kuma.io/env'
export const workloadLabel = 'kuma.io/workload'
export const managedByLabel = 'kuma.io/managed-by'
export const effectLabel = 'kuma.io/effect'
export const syncLabel = 'kuma.io/kds-sync'
export const policyRoleLabel = 'kuma.io/policy-role'
export const namespaceLabel = 'k8s.kuma.io/namespace'
export const zoneIngressLabel = 'kuma.io/listener-zoneingress'
export const zoneEgressLabel = 'kuma.io/listener-zoneegress'
/** Ours: `none` = a workload without a proxy beside it. */
export const proxyLabel = 'skerry.io/proxy'
/** Ours, on a MeshIdentity: another value than before asks every zone for a new root. */
export const rotationLabel = 'skerry.io/rotation'
/** Ours, on a MeshTrust that a zone made: the MeshIdentity whose roots are in it. */
export const identityLabel = 'skerry.io/identity'
/** Value of `kuma.io/managed-by` on what `derive` makes. */
export const managedBySkerry = 'skerry'
