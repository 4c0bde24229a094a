import { isHttp, type Protocol } from '../../model/schema.ts'
import type { Field } from '../field.ts'
import { portOfInbound, protocolOf } from './inbound-port.ts'
import { dnsLabel, parseServiceName, type ServiceName } from './service-name.ts'
import type { Source } from './source.ts'
import { protocolTag, serviceTag, tagsOf, zoneTag } from './tags.ts'

/** One inbound that serves a service. */
export interface Instance {
  readonly service: ServiceName
  readonly dataplane: string
  readonly zone: string | undefined
  readonly tags: Readonly<Record<string, string>>
  /** What the Dataplane's own workload is: the service of its first inbound. */
  readonly workload: string
  /** Has the Dataplane inbounds of more than one service? */
  readonly isOneOfSeveral: boolean
  readonly port: number
  /** Name or number of the inbound. */
  readonly targetPort: string | number
  readonly protocol: string
}

export interface KnownListener {
  readonly name: string
  readonly tags: Readonly<Record<string, string>>
}

export interface KnownGateway {
  readonly name: string
  /** Tags that select its proxies: one set for each selector. */
  readonly selectors: readonly Field[]
  readonly listeners: readonly KnownListener[]
}

/** What the objects of an import say of each other: what one of them means rests on the others. */
export interface World {
  /** Every zone that is named anywhere, in alphabetical order. */
  readonly zones: readonly string[]
  readonly sources: readonly Source[]
  instancesOf(mesh: string): readonly Instance[]
  /** Zones in which a service is known to be served. */
  zonesOf(mesh: string, service: ServiceName): readonly string[]
  isExternal(mesh: string, tag: string): boolean
  gateways(mesh: string): readonly KnownGateway[]
  of(mesh: string, type: string): readonly Source[]
}

export interface WorldOptions {
  /** Zones that there are, beside those that the objects name. */
  readonly zones?: readonly string[]
}

export function readWorld(sources: readonly Source[], { zones = [] }: WorldOptions = {}): World {
  const dataplanes = sources
    .filter(({ type }) => type === 'Dataplane')
    .map(source => ({ mesh: source.mesh, instances: readInstances(source) }))
  const instances = new Map(
    [...Map.groupBy(dataplanes, ({ mesh }) => mesh)].map(([mesh, of]) => [mesh, of.flatMap(({ instances }) => instances)] as const),
  )
  const keyOf = (mesh: string, { name, namespace = '' }: ServiceName) => `${mesh}/${namespace}/${name}`
  const serviceZones = new Map<string, Set<string>>()
  for (const [mesh, ofMesh] of instances)
    for (const { service, zone } of ofMesh) {
      const key = keyOf(mesh, service)
      const zones = serviceZones.get(key) ?? new Set()
      serviceZones.set(key, zone === undefined ? zones : zones.add(zone))
    }
  const externals = new Set(
    sources.filter(({ type }) => type === 'ExternalService').map(({ mesh, spec }) => `${mesh}/${spec.text('tags', serviceTag)}`),
  )
  const byType = Map.groupBy(sources, ({ mesh, type }) => `${mesh}/${type}`)
  const of = (mesh: string, type: string) => byType.get(`${mesh}/${type}`) ?? []
  const named = new Set([...zones, ...sources.flatMap(zonesNamedBy), ...[...serviceZones.values()].flatMap(it => [...it])])
  return {
    zones: [...named].sort(),
    sources,
    instancesOf: mesh => instances.get(mesh) ?? [],
    zonesOf: (mesh, service) => [...(serviceZones.get(keyOf(mesh, service)) ?? [])],
    isExternal: (mesh, tag) => externals.has(`${mesh}/${tag}`),
    gateways: mesh => of(mesh, 'MeshGateway').map(readGateway),
    of,
  }
}

export function isSameService(a: ServiceName, b: ServiceName): boolean {
  return a.name === b.name && a.namespace === b.namespace
}

/** The zone of a Dataplane: of its label, else of its tags. */
export function zoneOfDataplane({ zone, spec }: Source): string | undefined {
  const inbounds = spec.at('networking', 'inbound')?.items() ?? []
  return zone ?? [...inbounds, spec.at('networking', 'gateway')].map(it => it?.text('tags', zoneTag)).find(it => it !== undefined)
}

function zonesNamedBy(source: Source): string[] {
  const { type, name, zone, spec } = source
  if (type === 'Zone') return [name]
  if (type === 'Dataplane') return [zoneOfDataplane(source)].filter(it => it !== undefined)
  const given = type === 'ZoneIngress' || type === 'ZoneEgress' ? spec.text('zone') : undefined
  return [given, zone].filter(it => it !== undefined)
}

function readInstances(source: Source): Instance[] {
  const inbounds = source.spec.at('networking', 'inbound')?.items() ?? []
  const services = inbounds.map(inbound => inbound.text('tags', serviceTag))
  const [first] = services
  const isOneOfSeveral = new Set(services.map(service => JSON.stringify(service && withoutPort(service)))).size > 1
  return inbounds.flatMap((inbound, index): Instance[] => {
    const service = services[index]
    const port = portOfInbound(inbound)
    if (service === undefined || first === undefined || port === null) return []
    const tags = tagsOf(inbound.member('tags'))
    return [
      {
        service: parseServiceName(service),
        dataplane: source.name,
        zone: zoneOfDataplane(source),
        tags,
        workload: parseServiceName(first).name,
        isOneOfSeveral,
        port: Number(parseServiceName(service).port ?? port.application),
        targetPort: inbound.text('name') ?? port.inbound,
        protocol: protocolOf(tags[protocolTag]) ?? 'tcp',
      },
    ]
  })
}

function withoutPort(tag: string): Omit<ServiceName, 'port'> {
  const { port: _, ...service } = parseServiceName(tag)
  return service
}

function readGateway({ name, spec }: Source): KnownGateway {
  const ofAll = tagsOf(spec.member('tags'))
  const listeners = spec.at('conf', 'listeners')?.items() ?? []
  return {
    name: dnsLabel(name),
    selectors: (spec.member('selectors')?.items() ?? []).flatMap(it => it.member('match') ?? []),
    listeners: listeners.map((listener, index) => ({
      name: listenerName(listeners, index),
      tags: { ...ofAll, ...tagsOf(listener.member('tags')) },
    })),
  }
}

/** Listeners have no names in Kuma 2: the port, and a number where several share it. */
export function listenerName(listeners: readonly Field[], index: number): string {
  const port = listeners[index]?.member('port')?.value
  const earlier = listeners.slice(0, index).filter(it => it.member('port')?.value === port).length
  return earlier === 0 ? `port-${port}` : `port-${port}-${earlier + 1}`
}

/** Does a service speak HTTP? undefined = no Dataplane of it is known, or some do and some do not. */
export function isHttpService(world: World, mesh: string, tag: string): boolean | undefined {
  const service = parseServiceName(tag)
  const instances = world.instancesOf(mesh).filter(it => isSameService(it.service, service))
  const http = instances.filter(({ protocol }) => isHttp(protocol as Protocol))
  if (instances.length === 0 || (http.length > 0 && http.length < instances.length)) return undefined
  return http.length > 0
}
