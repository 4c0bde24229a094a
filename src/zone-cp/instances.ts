import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { MeshService } from '../model/kinds/mesh-service.ts'
import { selectsDataplane } from '../model/service-instances.ts'
import type { Registry } from '../registry/registry.ts'

/** The Dataplanes of this zone behind a service: found by index, not by looking at all. */
export function instancesOf(registry: Registry, service: Pick<MeshService, 'mesh' | 'spec'>): readonly Dataplane[] {
  const { dataplaneRef, dataplaneLabels } = service.spec.selector ?? {}
  if (dataplaneRef?.name !== undefined) {
    const dataplane = registry.get<Dataplane>({ kind: 'Dataplane', mesh: service.mesh, name: dataplaneRef.name })
    return dataplane ? [dataplane] : []
  }
  const labels = Object.entries(dataplaneLabels?.matchLabels ?? {})
  const [label, value] = labels[0] ?? []
  if (label === undefined || value === undefined) return []
  const candidates = registry.byLabel<Dataplane>('Dataplane', service.mesh, label, value)
  return labels.length === 1 ? candidates : candidates.filter(dataplane => selectsDataplane(service.spec, dataplane))
}
