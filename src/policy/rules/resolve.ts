import { portName } from '../../model/kinds/mesh-service.ts'
import { displayNameLabel, namespaceLabel } from '../../model/labels.ts'
import type { Resource } from '../../model/resource.ts'
import type { TargetRef } from '../../model/target-ref.ts'
import type { Policy } from './policy.ts'
import { roleOf } from './role.ts'

/** A resource that traffic goes to, and which part of it: '' = all of it. */
export interface Destination {
  readonly resource: Resource
  readonly section: string
}

type Labels = Readonly<Record<string, string>>

/** The resources of a policy's mesh that a `to` reference of it means. */
export function resolveTarget(policy: Policy, ref: TargetRef, list: (kind: string) => Iterable<Resource>): Destination[] {
  const found: Destination[] = []
  for (const resource of list(ref.kind)) {
    if (!selects(policy, ref, resource)) continue
    const { sectionName } = ref
    if (!sectionName || sectionsOf(resource) === null) found.push({ resource, section: '' })
    else if (sectionsOf(resource)?.includes(sectionName)) found.push({ resource, section: sectionName })
  }
  return found
}

/** Is a `to` reference of this policy about this part of a resource? A section is covered by what is said of the whole. */
export function covers(policy: Policy, ref: TargetRef, { resource, section }: Destination): boolean {
  if (ref.kind === 'Mesh') return resource.kind === 'Mesh' ? resource.name === policy.mesh : resource.mesh === policy.mesh
  if (!selects(policy, ref, resource)) return false
  if (!ref.sectionName) return true
  // A MeshExternalService has one port: what is said of it is said of the whole.
  if (resource.kind === 'MeshExternalService') return sectionsOf(resource)!.includes(ref.sectionName)
  return sectionsOf(resource) === null || ref.sectionName === section
}

/** The labels that a `to` reference asks for; null = it selects nothing, which is what Kuma makes of a reference without labels. */
export function selectorOf(policy: Policy, { labels }: TargetRef): Labels | null {
  if (labels === undefined || roleOf(policy) !== 'producer') return labels ?? null
  // A producer speaks for services of its own namespace only: a name without a namespace means the one there.
  const namespace = policy.labels[namespaceLabel]
  if (!namespace || !labels[displayNameLabel] || labels[namespaceLabel]) return labels
  return { ...labels, [namespaceLabel]: namespace }
}

/** Names of a resource's ports; null = it has none, it is one whole. */
export function sectionsOf({ kind, spec }: Pick<Resource, 'kind' | 'spec'>): string[] | null {
  switch (kind) {
    case 'MeshService':
    case 'MeshMultiZoneService':
      return ((spec as PortedSpec).ports ?? []).map(portName)
    case 'MeshExternalService':
      return [String((spec as ExternalSpec).match.port)]
    default:
      return null
  }
}

interface PortedSpec {
  readonly ports?: readonly { readonly name?: string; readonly port: number }[]
}

interface ExternalSpec {
  readonly match: { readonly port: number }
}

function selects(policy: Policy, ref: TargetRef, resource: Resource): boolean {
  if (ref.kind === 'Mesh') return resource.kind === 'Mesh' && resource.name === policy.mesh
  if (ref.kind !== resource.kind) return false
  const selector = selectorOf(policy, ref)
  return selector !== null && hasLabels(resource.labels, selector)
}

/** Only labels count, not the stored name: a display name is a label like others, and the control plane sets it on all that it stores. */
function hasLabels(labels: Labels, selector: Labels): boolean {
  for (const label in selector) if (labels[label] !== selector[label]) return false
  return true
}
