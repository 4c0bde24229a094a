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
/** Ours: `none` = a workload without a proxy beside it; `grpc` = one that carries its requests itself, with gRPC's own xDS client. */
export const proxyLabel = 'skerry.io/proxy'
/** Ours, on a MeshIdentity: another value than before asks every zone for a new root. */
export const rotationLabel = 'skerry.io/rotation'
/** Ours, on a MeshTrust that a zone made: the MeshIdentity whose roots are in it. */
export const identityLabel = 'skerry.io/identity'
/** Value of `kuma.io/managed-by` on what `derive` makes. */
export const managedBySkerry = 'skerry'
/** Ours, on what discovery found: where it runs, as far as its source knows. Policies may select by them. */
export const cloudLabel = 'skerry.io/cloud'
export const accountLabel = 'skerry.io/account'
export const regionLabel = 'skerry.io/region'
export const availabilityZoneLabel = 'skerry.io/availability-zone'
export const clusterLabel = 'skerry.io/cluster'
/** Ours, on what discovery found: the DiscoverySource that did. */
export const discoverySourceLabel = 'skerry.io/discovery-source'
/** Ours, on what discovery found: what was listed as one with it. */
export const discoveryScopeLabel = 'skerry.io/discovery-scope'
/** Ours, on what discovery found: the namespace that its platform has it in. */
export const foundNamespaceLabel = 'skerry.io/namespace'
/** Ours, on what discovery found and on the MeshService of it: `true` = a ServiceExport of its cluster says that other clusters may call it. */
export const exportedLabel = 'skerry.io/exported'
/** Value of `kuma.io/managed-by` on Dataplanes that discovery made. */
export const managedByDiscovery = 'skerry-discovery'
/** Value of `kuma.io/managed-by` on routes that stand in a Kubernetes cluster: they are changed there. */
export const managedByKubernetes = 'skerry-kubernetes'
/** Value of `kuma.io/managed-by` on workloads that Terraform made: no agent, no discovery and no silence takes them away. */
export const managedByTerraform = 'terraform'
/** Value of `kuma.io/managed-by` on DiscoverySources that a zone's settings name. */
export const managedBySettings = 'skerry-settings'
