import { displayNameLabel } from '../../model/labels.ts'
import type { TargetRef } from '../../model/target-ref.ts'
import type { Field } from '../field.ts'
import { multiZoneName } from './destination.ts'
import type { Source } from './source.ts'
import type { World } from './world.ts'

interface Item {
  readonly targetRef: TargetRef
  readonly default: Readonly<Record<string, unknown>>
}

/** Items of a MeshLoadBalancingStrategy: what is said of other zones (`crossZone`) is said of MeshMultiZoneServices alone, because a MeshService is of one zone. */
export function crossZoneItems(items: readonly Item[], item: Field, source: Source, world: World): Item[] {
  const crossZone = item.at('default', 'localityAwareness', 'crossZone')
  if (crossZone === undefined) return [...items]
  if (items.some(({ targetRef }) => targetRef.kind === 'MeshMultiZoneService')) return items.map(withinOneZone)
  const [only] = items
  const name = only?.targetRef.labels?.[displayNameLabel]
  if (only?.targetRef.kind === 'MeshService' && name !== undefined) {
    item
      .at('targetRef', 'name')
      ?.approximate(`as MeshMultiZoneService ${name}: if there is none, write one that selects the service in all zones`)
    return [{ ...only, targetRef: { kind: 'MeshMultiZoneService', labels: { [displayNameLabel]: name } } }]
  }
  const services = multiZoneServices(source.mesh, world)
  if (only?.targetRef.kind !== 'Mesh' || services.length === 0) {
    crossZone.drop('only a MeshMultiZoneService has instances in other zones, and none is known')
    return items.map(withinOneZone)
  }
  crossZone.approximate(`for the services that are known to run in several zones: ${services.join(', ')}`)
  const ofServices = services.map(service => ({
    ...only,
    targetRef: { kind: 'MeshMultiZoneService', labels: { [displayNameLabel]: service } },
  }))
  return [...items.map(withinOneZone), ...ofServices]
}

function withinOneZone(item: Item): Item {
  const { localityAwareness, ...others } = item.default
  if (item.targetRef.kind === 'MeshMultiZoneService' || localityAwareness === undefined) return item
  const { crossZone: _, ...local } = localityAwareness as Record<string, unknown>
  return { ...item, default: { ...others, ...(Object.keys(local).length > 0 ? { localityAwareness: local } : {}) } }
}

function multiZoneServices(mesh: string, world: World): string[] {
  const written = world.of(mesh, 'MeshMultiZoneService').map(({ name }) => name)
  const found = world.instancesOf(mesh).filter(({ service }) => world.zonesOf(mesh, service).length > 1)
  return [...new Set([...written, ...found.map(({ service }) => multiZoneName(service))])].sort()
}
