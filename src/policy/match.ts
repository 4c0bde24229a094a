import { effectLabel, originLabel, policyRoleLabel, zoneLabel } from '../model/labels.ts'
import type { Resource } from '../model/resource.ts'
import { matchesLabels } from '../model/target-ref.ts'
import { comparePolicies } from './order.ts'
import type { PolicySpec } from './policy-spec.ts'

/** A proxy as policies see it. */
export interface PolicySubject {
  readonly dataplane: Pick<Resource, 'name' | 'labels'>
  readonly zone: string
  /** MeshGateway resources that are served by this proxy. */
  readonly gateways: readonly Resource[]
}

/** The policies among `policies` (all of one kind) that apply to a proxy, ascending: later ones override earlier ones. Shadow
 *  policies (`kuma.io/effect: shadow`) are left out. */
export function matchPolicies<S extends PolicySpec>(policies: readonly Resource<S>[], subject: PolicySubject): Resource<S>[] {
  return policies.filter(policy => applies(policy, subject)).sort(comparePolicies)
}

function applies(policy: Resource<PolicySpec>, subject: PolicySubject): boolean {
  if (policy.labels[effectLabel] === 'shadow') return false
  const ofOtherZone = policy.labels[originLabel] === 'zone' && policy.labels[zoneLabel] !== subject.zone
  if (ofOtherZone && policy.labels[policyRoleLabel] !== 'producer') return false
  const ref = policy.spec.targetRef
  switch (ref?.kind ?? 'Mesh') {
    case 'Mesh':
      return true
    case 'Dataplane':
      return matchesLabels(subject.dataplane, ref?.labels)
    case 'MeshGateway':
      return subject.gateways.some(gateway => matchesLabels(gateway, ref?.labels))
    default:
      return false
  }
}
