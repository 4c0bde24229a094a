import type { DiscoverySourceType } from '../model/kinds/discovery-source.ts'
import type { Adapter } from './adapter.ts'

/** By type: each is loaded when the first source of that type is, so that a zone pays only for the clouds' libraries that it uses. */
export const adapters: Readonly<Partial<Record<DiscoverySourceType, () => Promise<Adapter>>>> = {
  ECS: async () => (await import('./ecs/list.ts')).ecs,
  EC2: async () => (await import('./ec2/list.ts')).ec2,
  Lambda: async () => (await import('./lambda/list.ts')).lambda,
  Kubernetes: async () => (await import('./kubernetes/kubernetes.ts')).kubernetes,
  EKS: async () => (await import('./eks/list.ts')).eks,
  AKS: async () => (await import('./aks/list.ts')).aks,
  GKE: async () => (await import('./gke/list.ts')).gke,
  AzureVM: async () => (await import('./azure-vm/list.ts')).azureVm,
  GCE: async () => (await import('./gce/list.ts')).gce,
  CloudMap: async () => (await import('./cloudmap/list.ts')).cloudMap,
  Consul: async () => (await import('./consul/list.ts')).consul,
  Eureka: async () => (await import('./eureka/list.ts')).eureka,
  DNS: async () => (await import('./dns/list.ts')).dns,
  HTTP: async () => (await import('./http-sd/list.ts')).httpSd,
  File: async () => (await import('./static/list.ts')).staticFile,
}
