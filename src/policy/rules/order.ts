import { originLabel } from '../../model/labels.ts'
import { displayNameOf } from '../../model/names.ts'
import type { Resource } from '../../model/resource.ts'
import type { TargetRef } from '../../model/target-ref.ts'
import type { InboundMatch, Policy } from './policy.ts'
import { roleOf, roleRank } from './role.ts'

/**
 * Least to most important: what comes later overrides what came before. By top-level kind, then sectionName, origin, role, and at
 * last the display name, where the alphabetically smaller wins; of two with one display name (a zone's and another zone's) the stored name.
 * https://kuma.io/docs/latest/policies/introduction/#how-does-it-decide-what-policy-applies
 */
export function comparePolicies(a: Policy, b: Policy): number {
  return compareAttributes(a, b) || compareByName(a, b)
}

/** The order of `to` items of different policies: how specific a `to` is counts after where its policy applies, and before the name.
 *  0 for items of one policy that are alike: they stay in its order. */
export function compareToItems(
  a: { readonly policy: Policy; readonly targetRef: TargetRef },
  b: { readonly policy: Policy; readonly targetRef: TargetRef },
): number {
  return compareAttributes(a.policy, b.policy) || toRank(a.targetRef) - toRank(b.targetRef) || compareByName(a.policy, b.policy)
}

/** The more specific first: an exact SPIFFE ID, a prefix of one, none; then with a server name before without. 0 = alike. */
export function compareMatches(a: InboundMatch | undefined, b: InboundMatch | undefined): number {
  return spiffeRank(a) - spiffeRank(b) || sniRank(a) - sniRank(b)
}

/** The alphabetically smaller one last, so that it wins. 0 only for one and the same. */
export function compareByName(a: Pick<Resource, 'name' | 'labels'>, b: Pick<Resource, 'name' | 'labels'>): number {
  return descending(displayNameOf(a), displayNameOf(b)) || descending(a.name, b.name)
}

function compareAttributes(a: Policy, b: Policy): number {
  return topRank(a) - topRank(b) || originRank(a) - originRank(b) || roleRank(roleOf(a)) - roleRank(roleOf(b))
}

function descending(a: string, b: string): number {
  return a < b ? 1 : a > b ? -1 : 0
}

/** A section narrows a Dataplane and a gateway; that of a whole mesh means nothing. */
function topRank({ spec: { targetRef } }: Policy): number {
  const kind = ['Mesh', 'MeshGateway', 'Dataplane'].indexOf(targetRef?.kind ?? 'Mesh')
  return kind * 2 + (kind > 0 && targetRef?.sectionName ? 1 : 0)
}

function originRank(policy: Policy): number {
  const origin = policy.labels[originLabel]
  return origin === 'global' ? 0 : origin === 'zone' ? 2 : 1
}

/** The broader first. A section counts for a MeshService alone, as in Kuma. */
function toRank({ kind, sectionName }: TargetRef): number {
  const kinds = ['Mesh', 'MeshService', 'MeshExternalService', 'MeshMultiZoneService', 'MeshHTTPRoute']
  return kinds.indexOf(kind) * 2 + (kind === 'MeshService' && sectionName ? 1 : 0)
}

function spiffeRank(match: InboundMatch | undefined): number {
  if (!match?.spiffeID) return 2
  return match.spiffeID.type === 'Exact' ? 0 : 1
}

function sniRank(match: InboundMatch | undefined): number {
  return match?.sni ? 0 : 1
}
