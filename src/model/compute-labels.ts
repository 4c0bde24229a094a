import type { KindDefinition, Violation } from './kind.ts'
import { type DataplaneSpec, isZoneEgress, isZoneIngress } from './kinds/dataplane.ts'
import { kindByName } from './kinds/index.ts'
import {
  displayNameLabel,
  envLabel,
  meshLabel,
  originLabel,
  policyRoleLabel,
  zoneEgressLabel,
  zoneIngressLabel,
  zoneLabel,
} from './labels.ts'
import type { ResourceDraft } from './resource.ts'

/** The control plane on which a resource is written. */
export type Origin = { readonly mode: 'global' } | { readonly mode: 'zone'; readonly zone: string }

export type ComputedLabels =
  | { readonly kind: 'ok'; readonly labels: Readonly<Record<string, string>> }
  | { readonly kind: 'invalid'; readonly violations: readonly Violation[] }

/** The labels of a draft together with those that the control plane computes; a computed label that the draft has with another
 *  value is refused, so that nobody can claim to write for another zone. */
export function computeLabels(draft: ResourceDraft, origin: Origin): ComputedLabels {
  const computed = computedLabels(draft, origin)
  const violations = Object.entries(draft.labels)
    .filter(([label, value]) => (Object.hasOwn(computed, label) ? computed[label] !== value : owned.has(label)))
    .map(([label]) => ({
      field: `labels[${JSON.stringify(label)}]`,
      reason: Object.hasOwn(computed, label)
        ? `${label} label should have ${computed[label]} value`
        : `${label} label must not be set: the control plane computes it, and here there is none`,
    }))
  if (violations.length > 0) return { kind: 'invalid', violations }
  return { kind: 'ok', labels: { ...draft.labels, ...computed } }
}

/** Does the control plane compute this label? What a user wrote of it is no wish of his. */
export function isComputedLabel(label: string): boolean {
  return label === displayNameLabel || owned.has(label)
}

/** Labels that no user may set to a value of their own. */
const owned: ReadonlySet<string> = new Set([
  meshLabel,
  originLabel,
  zoneLabel,
  envLabel,
  policyRoleLabel,
  zoneIngressLabel,
  zoneEgressLabel,
])

/** Only the computed ones. */
export function computedLabels(draft: ResourceDraft, origin: Origin): Record<string, string> {
  const kind = kindByName(draft.kind)
  if (kind === undefined) throw new TypeError(`${draft.kind} is not a kind`)
  return {
    [displayNameLabel]: draft.name,
    ...(kind.scope === 'mesh' ? { [meshLabel]: draft.mesh } : {}),
    [originLabel]: origin.mode,
    ...(origin.mode === 'zone' && ofZone(kind) ? { [zoneLabel]: origin.zone, [envLabel]: 'universal' } : {}),
    ...(kind.policy !== undefined ? { [policyRoleLabel]: 'system' } : {}),
    ...(kind.kind === 'Dataplane' ? zoneProxyLabels(draft.spec as DataplaneSpec) : {}),
  }
}

function zoneProxyLabels(spec: DataplaneSpec): Record<string, string> {
  return {
    ...(isZoneIngress(spec) ? { [zoneIngressLabel]: 'enabled' } : {}),
    ...(isZoneEgress(spec) ? { [zoneEgressLabel]: 'enabled' } : {}),
  }
}

/** Does a resource of this kind, written in a zone, belong to that zone? What only global provides (Mesh, MeshMultiZoneService) is of
 *  no zone even where a zone without global makes it. */
function ofZone(kind: KindDefinition): boolean {
  return kind.sync === 'zone' || kind.sync === 'forwarded' || kind.sync === 'both' || kind.secret === true
}
