import type { Dataplane } from '../../model/kinds/dataplane.ts'
import type { DiscoverySource } from '../../model/kinds/discovery-source.ts'
import { discoverySourceLabel, originLabel, zoneLabel } from '../../model/labels.ts'
import type { Registry } from '../../registry/registry.ts'
import { isFound } from './found-dataplane.ts'
import type { SourceRef } from './publisher.ts'

/** Does a zone ask this source? What was written at global names its zones, or means all of them. */
export function concernsZone({ spec, labels }: DiscoverySource, zone: string): boolean {
  if (labels[originLabel] === 'global') return spec.zones === undefined || spec.zones.includes(zone)
  return (labels[zoneLabel] ?? zone) === zone
}

/** Sources that a zone's Dataplanes were found by and that are there no more: they were deleted while the zone was down. */
export function orphanedSources(registry: Registry, zone: string): SourceRef[] {
  const orphans = new Map<string, SourceRef>()
  for (const dataplane of registry.list<Dataplane>('Dataplane')) {
    const { mesh, labels } = dataplane
    const name = labels[discoverySourceLabel]
    if (name === undefined || labels[zoneLabel] !== zone || !isFound(dataplane)) continue
    const source = registry.get<DiscoverySource>({ kind: 'DiscoverySource', mesh, name })
    // Of what type it was does not matter any more.
    if (source === undefined || !concernsZone(source, zone)) orphans.set(`${mesh}/${name}`, { mesh, name, type: 'File' })
  }
  return [...orphans.values()]
}
