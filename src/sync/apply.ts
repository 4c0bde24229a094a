import { checkSchema } from '../model/check-schema.ts'
import type { KindDefinition } from '../model/kind.ts'
import { originLabel, zoneLabel } from '../model/labels.ts'
import { keyOf, type Resource, type ResourceDraft } from '../model/resource.ts'
import { trustDomainOf } from '../model/spiffe-id.ts'
import { checkSpec, validateMesh } from '../model/validate.ts'
import type { RegistryChange } from '../registry/registry.ts'
import { canonicalJson } from './codec.ts'
import { comesDown, goesUp, isFromGlobal, travellingName, vouchesFor, zoneOfOrigin } from './visibility.ts'

/** What becomes of one resource that the other side sent, given what is stored under its name. A `put` may be of what is there already:
 *  the registry finds that nothing changes. */
export type Verdict =
  | { readonly kind: 'put'; readonly draft: ResourceDraft }
  | { readonly kind: 'delete' }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'refused'; readonly reason: string }

const unchanged = { kind: 'unchanged' } as const
const refused = (reason: string): Verdict => ({ kind: 'refused', reason })

/** At global: a resource that an authenticated zone sent. The zone may write what is its own, and nothing else. */
export function admitFromZone(zone: string, sent: ResourceDraft, kind: KindDefinition, stored: Resource | undefined): Verdict {
  if (!goesUp(kind)) return refused(`a zone does not own any ${kind.kind}`)
  const malformed = formProblem(sent, kind)
  if (malformed) return refused(malformed)
  const claimedZone = sent.labels[zoneLabel] ?? zone
  if (claimedZone !== zone) return refused(`it is labelled as zone ${claimedZone}'s, and was sent by zone ${zone}`)
  const claimedOrigin = sent.labels[originLabel] ?? 'zone'
  if (claimedOrigin !== 'zone') return refused(`its origin is ${claimedOrigin}: a zone sends what it made itself`)
  const draft: ResourceDraft = { ...sent, labels: { ...sent.labels, [originLabel]: 'zone', [zoneLabel]: zone } }
  // Otherwise a zone could take the name that another zone's resource will have.
  const name = travellingName(draft)
  if (sent.name !== name) return refused(`the name that follows from its labels is ${name}`)
  if (kind.kind === 'MeshTrust' && !vouchesFor(zone, draft))
    return refused(`zone ${zone} vouches for the trust domain ${trustDomainOf(sent.mesh, zone)} only`)
  if (stored && zoneOfOrigin(stored) !== zone) return refused(`that name is taken by ${ownerOf(stored)}`)
  return { kind: 'put', draft }
}

/** At global: a zone says that it no longer has what is stored. What is not the zone's stays. */
export function withdrawFromZone(zone: string, stored: Resource | undefined): Verdict {
  return stored && zoneOfOrigin(stored) === zone ? { kind: 'delete' } : unchanged
}

/** In a zone: a resource that global sent. What was made in the zone is never overwritten; status is the zone's own to compute. */
export function admitFromGlobal(zone: string, sent: ResourceDraft, kind: KindDefinition, stored: Resource | undefined): Verdict {
  if (!comesDown(kind)) return refused(`global does not own any ${kind.kind}`)
  const { status: _ignored, ...bare } = sent
  const malformed = formProblem(bare, kind)
  if (malformed) return refused(malformed)
  const draft: ResourceDraft = { ...bare, labels: { ...sent.labels, [originLabel]: 'global' } }
  if (draft.labels[zoneLabel] === zone) return refused(`it is labelled as zone ${zone}'s own, which global only holds a copy of`)
  if (!stored) return { kind: 'put', draft }
  if (!isFromGlobal(stored)) {
    // The same thing made on both sides (a mesh is little but its name): there is nothing to overwrite, and nothing to complain of.
    if (canonicalJson(stored.spec) === canonicalJson(draft.spec)) return unchanged
    return refused(`zone ${zone} has its own ${kind.kind} of that name: delete or rename one of them`)
  }
  return { kind: 'put', draft: stored.status === undefined ? draft : { ...draft, status: stored.status } }
}

/** In a zone: global says that it no longer has what is stored. What the zone made itself stays. */
export function withdrawFromGlobal(stored: Resource | undefined): Verdict {
  return stored && isFromGlobal(stored) ? { kind: 'delete' } : unchanged
}

/** At global: what goes when a person removes a zone. */
export function changesToForgetZone(zone: string, resources: Iterable<Resource>): RegistryChange[] {
  return [...resources].filter(stored => zoneOfOrigin(stored) === zone).map(stored => ({ kind: 'delete', key: keyOf(stored) }))
}

/** Fields that this side does not know are kept: the other side may be newer. What it does know must be as it expects. */
function formProblem(sent: ResourceDraft, kind: KindDefinition): string | null {
  const nameReason = sent.name.length > 253 ? [{ field: 'name', reason: 'must be no more than 253 characters' }] : []
  const violations = [
    ...nameReason,
    ...validateMesh(kind, sent.mesh),
    ...checkSpec(kind, sent.spec, 'drop').violations,
    ...(kind.status && sent.status !== undefined ? checkSchema(kind.status, sent.status, 'status', 'drop').violations : []),
  ]
  if (violations.length === 0) return null
  return violations
    .slice(0, 3)
    .map(({ field, reason }) => `${field} ${reason}`)
    .join(', ')
}

function ownerOf(stored: Resource): string {
  const zone = zoneOfOrigin(stored)
  return zone ? `zone ${zone}` : 'global'
}
