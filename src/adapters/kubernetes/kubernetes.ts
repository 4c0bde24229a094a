import type { Adapter } from '../adapter.ts'
import { openCluster } from './cluster.ts'
import { connectionOf } from './kube-config.ts'

/** Workloads of one Kubernetes cluster. It tells by itself what changes: a full list is for what that may have missed. */
export const kubernetes: Adapter = {
  type: 'Kubernetes',
  intervalMs: 15 * 60_000,
  open: async (source, deps) => openCluster(await connectionOf(source, deps), source, deps),
}
