import { displayNameLabel, namespaceLabel, workloadLabel } from '../../model/labels.ts'
import { multiZoneName } from './destination.ts'
import type { Output } from './output.ts'
import { dnsLabel, type ServiceName } from './service-name.ts'
import type { Source } from './source.ts'
import { zoneTag } from './tags.ts'
import { type Instance, isSameService, type World } from './world.ts'

/** The label of a Dataplane whose inbounds are of several services, for each of them: its workload is one alone. */
export function servesLabel(service: ServiceName): string {
  return `skerry.io/serves-${service.name.slice(0, 55).replace(/-+$/, '')}`
}

/**
 * Services that do not follow from workloads by themselves: those of a namespace, those that share Dataplanes with others, and, for each
 * that runs in several zones, the one that stands for all of them.
 */
export function addServices(source: Source, world: World, out: Output): void {
  const groups = Map.groupBy(world.instancesOf(source.mesh), ({ service: { name, namespace } }) => `${name}/${namespace ?? ''}`)
  for (const instances of groups.values()) {
    const { service } = instances[0]!
    const isShared = instances.some(it => it.isOneOfSeveral)
    if (isShared || service.namespace !== undefined) {
      const matchLabels = isShared ? { [servesLabel(service)]: 'true' } : ofWorkload(service)
      const because = isShared ? 'its Dataplanes serve several services' : 'services that are derived from workloads are of no namespace'
      addService(source, service, instances, matchLabels, because, out)
    }
    addMultiZone(source, service, instances, world, out)
  }
}

/** A service for those instances alone that have further tags; null when none of them is known. */
export function addSubset(
  source: Source,
  service: ServiceName,
  labels: Readonly<Record<string, string>>,
  world: World,
  out: Output,
): { readonly service: ServiceName; readonly instances: readonly Instance[] } | null {
  const instances = world
    .instancesOf(source.mesh)
    .filter(it => isSameService(it.service, service) && Object.entries(labels).every(([label, value]) => it.tags[label] === value))
  if (instances.length === 0) return null
  const subset = { ...service, name: dnsLabel([service.name, ...Object.values(labels)].join('-')) }
  const own = instances.some(it => it.isOneOfSeveral) ? { [servesLabel(service)]: 'true' } : ofWorkload(service)
  const { [zoneTag]: _, ...further } = labels
  addService(source, subset, instances, { ...own, ...further }, `it is a part of service ${service.name}`, out)
  addMultiZone(source, subset, instances, world, out)
  return { service: subset, instances }
}

function addService(
  source: Source,
  { name, namespace }: ServiceName,
  instances: readonly Instance[],
  matchLabels: Readonly<Record<string, string>>,
  because: string,
  out: Output,
): void {
  for (const [zone, ofZone] of Map.groupBy(instances, it => it.zone))
    out.add(source, {
      kind: 'MeshService',
      name,
      labels: namespace === undefined ? {} : { [namespaceLabel]: namespace },
      spec: { selector: { dataplaneLabels: { matchLabels } }, ports: portsOf(ofZone) },
      ...(zone === undefined ? {} : { zone }),
      because,
    })
}

function addMultiZone(source: Source, service: ServiceName, instances: readonly Instance[], world: World, out: Output): void {
  const zones = new Set(instances.flatMap(({ zone }) => zone ?? []))
  const name = multiZoneName(service)
  if (zones.size < 2 || world.of(source.mesh, 'MeshMultiZoneService').some(it => it.name === name)) return
  const { namespace } = service
  out.add(source, {
    kind: 'MeshMultiZoneService',
    name,
    labels: {},
    spec: {
      selector: {
        meshService: {
          matchLabels: { [displayNameLabel]: service.name, ...(namespace === undefined ? {} : { [namespaceLabel]: namespace }) },
        },
      },
      ports: portsOf(instances).map(({ name, port, appProtocol }) => ({ name, port, appProtocol })),
    },
    because: `in Kuma 2 a service was that of all zones: ${[...zones].sort().join(', ')}`,
  })
}

/** One port for each number; the first inbound that has it says what it is. Named as the inbound, as derived services are. */
function portsOf(instances: readonly Instance[]) {
  const byNumber = new Map(instances.toReversed().map(it => [it.port, it]))
  return [...byNumber.values()]
    .sort((a, b) => a.port - b.port)
    .map(({ port, targetPort, protocol }) => ({ name: String(targetPort), port, targetPort, appProtocol: protocol }))
}

function ofWorkload({ name, namespace }: ServiceName): Record<string, string> {
  return { [workloadLabel]: name, ...(namespace === undefined ? {} : { [namespaceLabel]: namespace }) }
}
