import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { MeshAccessLog } from '../model/kinds/mesh-access-log.ts'
import type { MeshCircuitBreaker } from '../model/kinds/mesh-circuit-breaker.ts'
import type { MeshFaultInjection } from '../model/kinds/mesh-fault-injection.ts'
import type { MeshGateway } from '../model/kinds/mesh-gateway.ts'
import type { MeshHealthCheck } from '../model/kinds/mesh-health-check.ts'
import type { MeshHTTPRoute } from '../model/kinds/mesh-http-route.ts'
import type { MeshIdentity } from '../model/kinds/mesh-identity.ts'
import type { MeshLoadBalancingStrategy } from '../model/kinds/mesh-load-balancing-strategy.ts'
import type { MeshMetric } from '../model/kinds/mesh-metric.ts'
import type { MeshMultiZoneService } from '../model/kinds/mesh-multi-zone-service.ts'
import type { MeshOpenTelemetryBackend } from '../model/kinds/mesh-open-telemetry-backend.ts'
import type { MeshPassthrough } from '../model/kinds/mesh-passthrough.ts'
import type { MeshProxyPatch } from '../model/kinds/mesh-proxy-patch.ts'
import type { MeshRateLimit } from '../model/kinds/mesh-rate-limit.ts'
import type { MeshRetry } from '../model/kinds/mesh-retry.ts'
import type { MeshService } from '../model/kinds/mesh-service.ts'
import type { MeshTCPRoute } from '../model/kinds/mesh-tcp-route.ts'
import type { MeshTimeout } from '../model/kinds/mesh-timeout.ts'
import type { MeshTLS } from '../model/kinds/mesh-tls.ts'
import type { MeshTrace } from '../model/kinds/mesh-trace.ts'
import type { MeshTrafficPermission } from '../model/kinds/mesh-traffic-permission.ts'
import type { MeshTrust } from '../model/kinds/mesh-trust.ts'
import type { MeshZoneAddress } from '../model/kinds/mesh-zone-address.ts'
import type { ServiceCapacity } from '../model/kinds/service-capacity.ts'
import type { TrustAcknowledgement } from '../model/kinds/trust-acknowledgement.ts'
import { displayNameLabel, zoneIngressLabel, zoneLabel } from '../model/labels.ts'
import type { Resource, Revision } from '../model/resource.ts'
import { matchesLabels } from '../model/target-ref.ts'
import { LabelIndex, type Relabelled } from './label-index.ts'
import { PersistentMap } from './persistent-map.ts'
import { type ServiceChange, ServiceIndex, type ServiceView, unitedLabels } from './service-index.ts'

/** The kinds a view is made of; everything else in a registry does not change what a proxy does. */
export interface ViewKinds {
  Dataplane: Dataplane
  MeshService: MeshService
  MeshMultiZoneService: MeshMultiZoneService
  MeshIdentity: MeshIdentity
  MeshTrust: MeshTrust
  MeshZoneAddress: MeshZoneAddress
  ServiceCapacity: ServiceCapacity
  TrustAcknowledgement: TrustAcknowledgement
  MeshTrafficPermission: MeshTrafficPermission
  MeshHTTPRoute: MeshHTTPRoute
  MeshLoadBalancingStrategy: MeshLoadBalancingStrategy
  MeshGateway: MeshGateway
  MeshAccessLog: MeshAccessLog
  MeshCircuitBreaker: MeshCircuitBreaker
  MeshFaultInjection: MeshFaultInjection
  MeshHealthCheck: MeshHealthCheck
  MeshMetric: MeshMetric
  MeshOpenTelemetryBackend: MeshOpenTelemetryBackend
  MeshPassthrough: MeshPassthrough
  MeshProxyPatch: MeshProxyPatch
  MeshRateLimit: MeshRateLimit
  MeshRetry: MeshRetry
  MeshTCPRoute: MeshTCPRoute
  MeshTLS: MeshTLS
  MeshTimeout: MeshTimeout
  MeshTrace: MeshTrace
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
  'TrustAcknowledgement',
  'MeshTrafficPermission',
  'MeshHTTPRoute',
  'MeshLoadBalancingStrategy',
  'MeshGateway',
  'MeshAccessLog',
  'MeshCircuitBreaker',
  'MeshFaultInjection',
  'MeshHealthCheck',
  'MeshMetric',
  'MeshOpenTelemetryBackend',
  'MeshPassthrough',
  'MeshProxyPatch',
  'MeshRateLimit',
  'MeshRetry',
  'MeshTCPRoute',
  'MeshTLS',
  'MeshTimeout',
  'MeshTrace',
]

export type ViewChange =
  | { readonly kind: 'put'; readonly resource: Resource }
  | { readonly kind: 'delete'; readonly key: { readonly kind: string; readonly name: string } }

type Tables = { readonly [K in ViewKind]: PersistentMap<string, ViewKinds[K]> }

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
  readonly services: PersistentMap<string, ServiceView>
  readonly #services: ServiceIndex
  /** Of this zone's Dataplanes. */
  readonly #labels: LabelIndex

  private constructor(mesh: string, zone: string, revision: Revision, tables: Tables, services: ServiceIndex, labels: LabelIndex) {
    this.mesh = mesh
    this.zone = zone
    this.revision = revision
    this.tables = tables
    this.services = services.byKey
    this.#services = services
    this.#labels = labels
  }

  static empty(mesh: string, zone: string): MeshView {
    const tables = Object.fromEntries(viewKinds.map(kind => [kind, PersistentMap.empty()])) as unknown as Tables
    return new MeshView(mesh, zone, 0, tables, ServiceIndex.empty(zone), LabelIndex.empty())
  }

  static isViewKind(kind: string): kind is ViewKind {
    return (viewKinds as readonly string[]).includes(kind)
  }

  /** The view after `changes`, all of this view's mesh. */
  with(changes: readonly ViewChange[], revision: Revision): MeshView {
    const tables = { ...this.tables } as { [K in ViewKind]: PersistentMap<string, Resource> }
    const changed = new Map<ViewKind, Map<string, Resource | undefined>>()
    const relabelled: Relabelled[] = []
    for (const change of changes) {
      const kind = change.kind === 'put' ? change.resource.kind : change.key.kind
      const name = change.kind === 'put' ? change.resource.name : change.key.name
      if (!MeshView.isViewKind(kind)) continue
      let ofKind = changed.get(kind)
      if (!ofKind) {
        ofKind = new Map()
        changed.set(kind, ofKind)
      }
      const after = change.kind === 'put' ? change.resource : undefined
      if (kind === 'Dataplane') {
        const before = ofKind.has(name) ? ofKind.get(name) : tables.Dataplane.get(name)
        relabelled.push({ name, before: before?.labels, after: after?.labels })
      }
      ofKind.set(name, after)
    }
    for (const [kind, changes] of changed) tables[kind] = tables[kind].with(changes)
    const next = tables as unknown as Tables
    const services = (['MeshService', 'MeshMultiZoneService'] as const).flatMap(kind =>
      [...(changed.get(kind) ?? [])].map(([name, resource]) => ({ kind, name, resource }) as ServiceChange),
    )
    return new MeshView(this.mesh, this.zone, revision, next, this.#services.with(services), this.#labels.with(relabelled))
  }

  list<K extends ViewKind>(kind: K): ViewKinds[K][] {
    return [...this.tables[kind].values()]
  }

  get<K extends ViewKind>(kind: K, name: string): ViewKinds[K] | undefined {
    return this.tables[kind].get(name)
  }

  /** Services of either kind and any zone with this display name. */
  servicesNamed(displayName: string): readonly ServiceView[] {
    return this.#services.named(displayName)
  }

  /** The service that a HostnameGenerator gave this name, in lower case. */
  serviceCalled(hostname: string): ServiceView | undefined {
    return this.#services.called(hostname)
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
    if (selector?.dataplaneRef?.name !== undefined) {
      const dataplane = this.get('Dataplane', selector.dataplaneRef.name)
      return dataplane ? [dataplane] : []
    }
    const labels = selector?.dataplaneLabels?.matchLabels
    return labels && Object.keys(labels).length > 0 ? this.dataplanesWith(labels) : []
  }

  /** Local MeshServices that a Dataplane with these labels stands behind. */
  servicesSelecting(dataplane: Dataplane): ServiceView[] {
    return this.#services.selecting(dataplane)
  }

  /** The MeshServices, of all zones, that a MeshMultiZoneService unites, by zone. */
  membersOf(service: ServiceView): ServiceView[] {
    if (service.kind === 'MeshService') return [service]
    const labels = unitedLabels(service)
    const wantedName = labels[displayNameLabel]
    const candidates = wantedName === undefined ? [...this.services.values()] : this.servicesNamed(wantedName)
    return candidates
      .filter(candidate => candidate.kind === 'MeshService' && matchesLabels(candidate.resource, labels))
      .sort((a, b) => compareTexts(a.zone, b.zone) || compareTexts(a.key, b.key))
  }

  /** The MeshMultiZoneServices that a MeshService is part of. */
  unionsOf(service: ServiceView): ServiceView[] {
    return this.#services.uniting(service)
  }

  /** The zone a resource of this view belongs to. */
  zoneOf(resource: Resource): string {
    return resource.labels[zoneLabel] ?? this.zone
  }

  /** Is there a Dataplane in this zone that lets other zones in? */
  get hasZoneGateway(): boolean {
    return this.#labels.has(zoneIngressLabel, 'enabled')
  }

  /** Whom the proxies of a zone believe; undefined = they have not said. */
  acknowledgementOf(zone: string): TrustAcknowledgement | undefined {
    return byZone(this.tables.TrustAcknowledgement, this.zone).get(zone)?.[0]
  }

  /** Where the proxies of other zones reach a zone's gateways. */
  addressesOf(zone: string): readonly MeshZoneAddress[] {
    return byZone(this.tables.MeshZoneAddress, this.zone).get(zone) ?? []
  }

  /** How much of a MeshService its zone can serve; undefined = its zone has not said. */
  capacityOf(service: ServiceView): ServiceCapacity | undefined {
    return byZone(this.tables.ServiceCapacity, this.zone, capacity => capacity.spec.service).get(
      `${service.zone}/${service.displayName}`,
    )?.[0]
  }
}

/** Made on first use of a table, and kept as long as the table, which most changes leave alone. */
const tableIndexes = new WeakMap<PersistentMap<string, Resource>, ReadonlyMap<string, readonly Resource[]>>()

/** The resources of a table by their zone, or by `<zone>/<part>`. A table is always indexed in the same way. */
function byZone<R extends Resource>(table: PersistentMap<string, R>, ownZone: string, partOf?: (resource: R) => string) {
  let index = tableIndexes.get(table) as ReadonlyMap<string, readonly R[]> | undefined
  if (!index) {
    index = Map.groupBy(table.values(), resource => {
      const zone = resource.labels[zoneLabel] ?? ownZone
      return partOf ? `${zone}/${partOf(resource)}` : zone
    })
    tableIndexes.set(table, index)
  }
  return index
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
