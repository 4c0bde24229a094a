import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { MeshGateway } from '../model/kinds/mesh-gateway.ts'
import type { MeshHTTPRoute } from '../model/kinds/mesh-http-route.ts'
import type { MeshIdentity } from '../model/kinds/mesh-identity.ts'
import type { MeshLoadBalancingStrategy } from '../model/kinds/mesh-load-balancing-strategy.ts'
import type { MeshMultiZoneService } from '../model/kinds/mesh-multi-zone-service.ts'
import { type MeshService, portName } from '../model/kinds/mesh-service.ts'
import type { MeshTrafficPermission } from '../model/kinds/mesh-traffic-permission.ts'
import type { MeshTrust } from '../model/kinds/mesh-trust.ts'
import type { MeshZoneAddress } from '../model/kinds/mesh-zone-address.ts'
import type { ServiceCapacity } from '../model/kinds/service-capacity.ts'
import { displayNameLabel, zoneIngressLabel, zoneLabel } from '../model/labels.ts'
import { displayNameOf } from '../model/names.ts'
import type { Resource, Revision } from '../model/resource.ts'
import { selectsDataplane } from '../model/service-instances.ts'
import { matchesLabels } from '../model/target-ref.ts'
import { LabelIndex, type Relabelled } from './label-index.ts'

/** The kinds a view is made of; everything else in a registry does not change what a proxy does. */
export interface ViewKinds {
  Dataplane: Dataplane
  MeshService: MeshService
  MeshMultiZoneService: MeshMultiZoneService
  MeshIdentity: MeshIdentity
  MeshTrust: MeshTrust
  MeshZoneAddress: MeshZoneAddress
  ServiceCapacity: ServiceCapacity
  MeshTrafficPermission: MeshTrafficPermission
  MeshHTTPRoute: MeshHTTPRoute
  MeshLoadBalancingStrategy: MeshLoadBalancingStrategy
  MeshGateway: MeshGateway
}

export type ViewKind = keyof ViewKinds

const viewKinds: readonly ViewKind[] = [
  'Dataplane',
  'MeshService',
  'MeshMultiZoneService',
  'MeshIdentity',
  'MeshTrust',
  'MeshZoneAddress',
  'ServiceCapacity',
  'MeshTrafficPermission',
  'MeshHTTPRoute',
  'MeshLoadBalancingStrategy',
  'MeshGateway',
]

export type ViewChange =
  | { readonly kind: 'put'; readonly resource: Resource }
  | { readonly kind: 'delete'; readonly key: { readonly kind: string; readonly name: string } }

type Tables = { readonly [K in ViewKind]: ReadonlyMap<string, ViewKinds[K]> }

/** A service that can be called, of either kind. */
export interface ServiceView {
  /** `<kind>/<stored name>`, unique in the mesh. */
  readonly key: string
  readonly kind: 'MeshService' | 'MeshMultiZoneService'
  readonly resource: MeshService | MeshMultiZoneService
  readonly displayName: string
  /** '' for a MeshMultiZoneService. */
  readonly zone: string
  readonly ports: readonly ServicePort[]
}

export interface ServicePort {
  readonly name: string
  readonly port: number
  readonly protocol: 'http' | 'tcp'
}

/**
 * All resources of one mesh at one revision, as one zone sees them. Immutable; `with` derives the next view and shares with this one
 * every table and index that the changes leave alone.
 */
export class MeshView {
  readonly mesh: string
  /** The zone whose proxies are planned. */
  readonly zone: string
  readonly revision: Revision
  readonly tables: Tables
  /** Services by `ServiceView.key`. */
  readonly services: ReadonlyMap<string, ServiceView>
  readonly #servicesByName: ReadonlyMap<string, readonly ServiceView[]>
  /** Of this zone's Dataplanes. */
  readonly #labels: LabelIndex

  private constructor(mesh: string, zone: string, revision: Revision, tables: Tables, services: ServiceIndex, labels: LabelIndex) {
    this.mesh = mesh
    this.zone = zone
    this.revision = revision
    this.tables = tables
    this.services = services.byKey
    this.#servicesByName = services.byName
    this.#labels = labels
  }

  static empty(mesh: string, zone: string): MeshView {
    const tables = Object.fromEntries(viewKinds.map(kind => [kind, new Map()])) as unknown as Tables
    return new MeshView(mesh, zone, 0, tables, indexServices(tables, zone), LabelIndex.empty)
  }

  static isViewKind(kind: string): kind is ViewKind {
    return (viewKinds as readonly string[]).includes(kind)
  }

  /** The view after `changes`, all of this view's mesh. */
  with(changes: readonly ViewChange[], revision: Revision): MeshView {
    const tables = { ...this.tables } as { [K in ViewKind]: Map<string, Resource> }
    const copied = new Set<ViewKind>()
    const relabelled: Relabelled[] = []
    for (const change of changes) {
      const kind = change.kind === 'put' ? change.resource.kind : change.key.kind
      const name = change.kind === 'put' ? change.resource.name : change.key.name
      if (!MeshView.isViewKind(kind)) continue
      if (!copied.has(kind)) {
        tables[kind] = new Map(tables[kind])
        copied.add(kind)
      }
      if (kind === 'Dataplane') {
        const after = change.kind === 'put' ? change.resource.labels : undefined
        relabelled.push({ name, before: tables.Dataplane.get(name)?.labels, after })
      }
      if (change.kind === 'put') tables[kind].set(name, change.resource)
      else tables[kind].delete(name)
    }
    const next = tables as unknown as Tables
    const servicesChanged = copied.has('MeshService') || copied.has('MeshMultiZoneService')
    const services = servicesChanged ? indexServices(next, this.zone) : { byKey: this.services, byName: this.#servicesByName }
    return new MeshView(this.mesh, this.zone, revision, next, services, this.#labels.with(relabelled))
  }

  list<K extends ViewKind>(kind: K): ViewKinds[K][] {
    return [...this.tables[kind].values()]
  }

  get<K extends ViewKind>(kind: K, name: string): ViewKinds[K] | undefined {
    return this.tables[kind].get(name)
  }

  /** Services of either kind and any zone with this display name. */
  servicesNamed(displayName: string): readonly ServiceView[] {
    return this.#servicesByName.get(displayName) ?? []
  }

  /** This zone's Dataplanes that have all of these labels. */
  dataplanesWith(labels: Readonly<Record<string, string>>): Dataplane[] {
    const candidates = this.#labels.candidates(labels)
    const dataplanes = candidates ? [...candidates].map(name => this.get('Dataplane', name)!) : this.list('Dataplane')
    return dataplanes.filter(dataplane => matchesLabels(dataplane, labels))
  }

  /** This zone's Dataplanes behind a local MeshService. */
  instancesOf(service: MeshService): Dataplane[] {
    const selector = service.spec.selector
    if (selector?.dataplaneRef) {
      const dataplane = this.get('Dataplane', selector.dataplaneRef.name)
      return dataplane ? [dataplane] : []
    }
    const labels = selector?.dataplaneLabels?.matchLabels
    return labels && Object.keys(labels).length > 0 ? this.dataplanesWith(labels) : []
  }

  /** Local MeshServices that a Dataplane with these labels stands behind. */
  servicesSelecting(dataplane: Dataplane): ServiceView[] {
    const found: ServiceView[] = []
    for (const service of this.services.values()) {
      if (service.kind !== 'MeshService' || service.zone !== this.zone) continue
      if (selectsDataplane((service.resource as MeshService).spec, dataplane)) found.push(service)
    }
    return found
  }

  /** The MeshServices, of all zones, that a MeshMultiZoneService unites, by zone. */
  membersOf(service: ServiceView): ServiceView[] {
    if (service.kind === 'MeshService') return [service]
    const labels = (service.resource as MeshMultiZoneService).spec.selector.meshService.matchLabels
    const wantedName = labels[displayNameLabel]
    const candidates = wantedName === undefined ? [...this.services.values()] : this.servicesNamed(wantedName)
    return candidates
      .filter(candidate => candidate.kind === 'MeshService' && matchesLabels(candidate.resource, labels))
      .sort((a, b) => compareTexts(a.zone, b.zone) || compareTexts(a.key, b.key))
  }

  /** The MeshMultiZoneServices that a MeshService is part of. */
  unionsOf(service: ServiceView): ServiceView[] {
    if (service.kind !== 'MeshService') return []
    return [...this.services.values()].filter(
      union =>
        union.kind === 'MeshMultiZoneService' &&
        matchesLabels(service.resource, (union.resource as MeshMultiZoneService).spec.selector.meshService.matchLabels),
    )
  }

  /** The zone a resource of this view belongs to. */
  zoneOf(resource: Resource): string {
    return resource.labels[zoneLabel] ?? this.zone
  }

  /** Is there a Dataplane in this zone that lets other zones in? */
  get hasZoneGateway(): boolean {
    return this.#labels.has(zoneIngressLabel, 'enabled')
  }

  get trustDomains(): ReadonlySet<string> {
    return new Set(this.list('MeshTrust').map(trust => trust.spec.trustDomain))
  }
}

interface ServiceIndex {
  readonly byKey: ReadonlyMap<string, ServiceView>
  readonly byName: ReadonlyMap<string, readonly ServiceView[]>
}

function indexServices(tables: Tables, ownZone: string): ServiceIndex {
  const services = [
    ...tables.MeshService.values().map(service => serviceView(service, 'MeshService', service.labels[zoneLabel] ?? ownZone)),
    ...tables.MeshMultiZoneService.values().map(service => serviceView(service, 'MeshMultiZoneService', '')),
  ]
  return {
    byKey: new Map(services.map(service => [service.key, service])),
    byName: Map.groupBy(services, service => service.displayName),
  }
}

function serviceView(resource: MeshService | MeshMultiZoneService, kind: ServiceView['kind'], zone: string): ServiceView {
  const ports = (resource.spec.ports ?? []).map(port => ({
    name: portName(port),
    port: port.port,
    protocol: isHttp(port.appProtocol) ? ('http' as const) : ('tcp' as const),
  }))
  return { key: `${kind}/${resource.name}`, kind, resource, displayName: displayNameOf(resource), zone, ports }
}

export function isHttp(protocol: string | undefined): boolean {
  return protocol === 'http' || protocol === 'http2' || protocol === 'grpc'
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
