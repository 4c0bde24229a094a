import { originLabel, policyRoleLabel } from '../model/labels.ts'
import { displayNameOf } from '../model/names.ts'
import type { Resource } from '../model/resource.ts'
import type { TargetRef } from '../model/target-ref.ts'
import type { PolicySpec } from './policy-spec.ts'

/**
 * Least to most important: what comes later overrides what came before. By top-level kind, then sectionName, origin, role, and at
 * last the display name, where the alphabetically smaller wins; of two with one display name (a zone's and another zone's) the stored name.
 * https://kuma.io/docs/latest/policies/introduction/#how-does-it-decide-what-policy-applies
 */
export function comparePolicies(a: Resource<PolicySpec>, b: Resource<PolicySpec>): number {
  return compareTargets(a, b) || compareByName(a, b)
}

/** The order of `to` items of different policies: how specific a `to` is counts after where its policy applies, and before the name. */
export function compareToItems(
  a: { policy: Resource<PolicySpec>; item: ToItem },
  b: { policy: Resource<PolicySpec>; item: ToItem },
): number {
  return (
    compareTargets(a.policy, b.policy) || toItemRank(a.item.targetRef) - toItemRank(b.item.targetRef) || compareByName(a.policy, b.policy)
  )
}

type ToItem = { readonly targetRef: TargetRef }

function compareTargets(a: Resource<PolicySpec>, b: Resource<PolicySpec>): number {
  return topKindRank(a) - topKindRank(b) || sectionRank(a) - sectionRank(b) || originRank(a) - originRank(b) || roleRank(a) - roleRank(b)
}

/** The broader first. */
function toItemRank(targetRef: TargetRef): number {
  const kinds = ['Mesh', 'MeshService', 'MeshExternalService', 'MeshMultiZoneService', 'MeshHTTPRoute']
  return kinds.indexOf(targetRef.kind) * 2 + (targetRef.sectionName ? 1 : 0)
}

/** The alphabetically smaller one last, so that it wins. 0 only for one and the same. */
export function compareByName(a: Pick<Resource, 'name' | 'labels'>, b: Pick<Resource, 'name' | 'labels'>): number {
  return descending(displayNameOf(a), displayNameOf(b)) || descending(a.name, b.name)
}

function descending(a: string, b: string): number {
  return a < b ? 1 : a > b ? -1 : 0
}

function topKindRank(policy: Resource<PolicySpec>): number {
  switch (policy.spec.targetRef?.kind ?? 'Mesh') {
    case 'Mesh':
      return 0
    case 'MeshGateway':
      return 1
    default:
      return 2
  }
}

function sectionRank(policy: Resource<PolicySpec>): number {
  return policy.spec.targetRef?.sectionName ? 1 : 0
}

function originRank(policy: Resource<PolicySpec>): number {
  const origin = policy.labels[originLabel]
  return origin === 'global' ? 0 : origin === 'zone' ? 2 : 1
}

function roleRank(policy: Resource<PolicySpec>): number {
  const roles = ['system', 'producer', 'consumer', 'workload-owner']
  return Math.max(0, roles.indexOf(policy.labels[policyRoleLabel] ?? 'system'))
}
