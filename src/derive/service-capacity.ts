import { computedLabels } from '../model/compute-labels.ts'
import type { ServiceCapacity, ServiceCapacitySpec } from '../model/kinds/service-capacity.ts'
import { managedByLabel, managedBySkerry } from '../model/labels.ts'
import { displayNameOf } from '../model/names.ts'
import type { Resource, ResourceDraft } from '../model/resource.ts'

export interface CapacityCounts {
  /** Instances that are ready. */
  readonly healthy: number
  readonly total: number
  /** Sum of the ready instances' weights. */
  readonly weight: number
}

export type CapacityChange =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'changed'; readonly draft: ResourceDraft<ServiceCapacitySpec> }

/**
 * What a zone tells other zones of one of its services. Written again only when a number goes to or from zero or is more than 10 % away
 * from what was last written: a rollout of a hundred instances is ten messages to each zone, not a hundred.
 */
export function capacity(
  service: Pick<Resource, 'mesh' | 'name' | 'labels'>,
  zone: string,
  counts: CapacityCounts,
  previous: ServiceCapacity | undefined,
): CapacityChange {
  const name = displayNameOf(service)
  if (previous !== undefined && previous.spec.service === name && !differs(previous.spec, counts)) return { kind: 'unchanged' }
  const spec: ServiceCapacitySpec = { service: name, healthy: counts.healthy, total: counts.total, weight: counts.weight }
  const draft: ResourceDraft<ServiceCapacitySpec> = {
    kind: 'ServiceCapacity',
    mesh: service.mesh,
    name,
    labels: { [managedByLabel]: managedBySkerry },
    spec,
  }
  return { kind: 'changed', draft: { ...draft, labels: { ...draft.labels, ...computedLabels(draft, { mode: 'zone', zone }) } } }
}

function differs(previous: CapacityCounts, next: CapacityCounts): boolean {
  return (['healthy', 'total', 'weight'] as const).some(count => {
    const [before, after] = [previous[count], next[count]]
    return (before === 0) !== (after === 0) || Math.abs(after - before) > before * 0.1
  })
}
