import { policyRoleLabel } from '../../model/labels.ts'
import type { Policy } from './policy.ts'

/** On whose behalf a policy speaks, least important first. In universal zones every policy is the system's; Kubernetes namespaces have
 *  the others: the owner of a service (`producer`), who calls it (`consumer`), the owner of a workload. */
const roles = ['system', 'producer', 'consumer', 'workload-owner'] as const

export type PolicyRole = (typeof roles)[number]

/** What a policy's label says; without one, and with one that is unknown, it is the system's. */
export function roleOf({ labels }: Pick<Policy, 'labels'>): PolicyRole {
  return roles.find(role => role === labels[policyRoleLabel]) ?? 'system'
}

export function roleRank(role: PolicyRole): number {
  return roles.indexOf(role)
}
