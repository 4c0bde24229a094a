import type { NameableService } from '../derive/hostname-generator.ts'
import { deriveMeshServices, isManaged, type MeshServiceDraft } from '../derive/mesh-service.ts'
import { sameContent } from '../derive/same-content.ts'
import { capacity } from '../derive/service-capacity.ts'
import {
  availability,
  countProxies,
  externalServiceStatus,
  type InstanceFacts,
  membersOf,
  meshServiceStatus,
  multiZoneServiceStatus,
  type Naming,
  namingStatus,
} from '../derive/status.ts'
import { deriveZoneAddresses } from '../derive/zone-address.ts'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { MeshMultiZoneService } from '../model/kinds/mesh-multi-zone-service.ts'
import type { MeshService } from '../model/kinds/mesh-service.ts'
import type { MeshZoneAddress } from '../model/kinds/mesh-zone-address.ts'
import type { ServiceCapacity } from '../model/kinds/service-capacity.ts'
import { displayNameLabel, workloadLabel, zoneIngressLabel, zoneLabel } from '../model/labels.ts'
import { formatKey, parseKey, type ResourceDraft } from '../model/resource.ts'
import type { Registry, RegistryChange } from '../registry/registry.ts'
import type { Hostnames } from './hostnames.ts'
import { instancesOf } from './instances.ts'
import type { ReadinessTracker } from './readiness-tracker.ts'
import type { Vips } from './vips.ts'

export interface DerivedOptions {
  readonly registry: Registry
  readonly zone: string
  readonly readiness: ReadinessTracker
  readonly spiffeIdsOf: (dataplane: Dataplane) => readonly string[]
  /** Can callers of other zones come in to this service: has a zone gateway taken its route? */
  readonly isExposed: (service: MeshService) => boolean
  readonly hostnames: Hostnames
  readonly vips: Vips
}

/** What has to be written so that all that follows from what is known now is true, and nothing when it is. */
export class DerivedChanges {
  readonly #options: DerivedOptions

  constructor(options: DerivedOptions) {
    this.#options = options
  }

  /** MeshServices of this zone by their names, MeshMultiZoneServices by their display names. */
  services(mesh: string, names: ReadonlySet<string>): RegistryChange[] {
    const { registry, zone, spiffeIdsOf } = this.#options
    // What another control plane wrote under a name is not ours to write over.
    const ours = [...names].filter(name => (registry.get({ kind: 'MeshService', mesh, name })?.labels[zoneLabel] ?? zone) === zone)
    const existing = ours
      .map(name => registry.get<MeshService>({ kind: 'MeshService', mesh, name }))
      .filter(service => service !== undefined)
    const dataplanes = ours.flatMap(name => registry.byLabel<Dataplane>('Dataplane', mesh, workloadLabel, name))
    const derived = deriveMeshServices({ mesh, zone, dataplanes, existing, spiffeIdsOf, stateOf: () => 'Unavailable' })
    const drafts = [...derived.services, ...existing.filter(service => !isManaged(service))]
    const kept = new Map(existing.map(service => [service.name, service]))
    const present = new Set(drafts.map(draft => draft.name))
    return [
      ...drafts.flatMap(draft => this.#serviceChanges(draft, kept.get(draft.name))),
      ...ours.filter(name => !present.has(name)).flatMap(name => this.#withdrawCapacity(mesh, name)),
      ...[...names].flatMap(name => this.#unionChanges(mesh, name)),
    ]
  }

  #serviceChanges(draft: MeshServiceDraft, current: MeshService | undefined): RegistryChange[] {
    const { registry, zone, isExposed } = this.#options
    const service = { ...draft, creationTime: '', modificationTime: '', revision: 0 } as MeshService
    const counts = countProxies(service, instancesOf(registry, service), this.#facts)
    const isAvailable = availability(counts) === 'Available' && isExposed(service)
    const next: ResourceDraft = {
      kind: draft.kind,
      mesh: draft.mesh,
      name: draft.name,
      labels: draft.labels,
      spec: { ...draft.spec, state: isAvailable ? ('Available' as const) : ('Unavailable' as const) },
      status: meshServiceStatus(service, counts, namingStatus(this.#namingOf(service))),
    }
    const previous = registry.get<ServiceCapacity>({ ...draft, kind: 'ServiceCapacity' })
    const change = capacity(draft, zone, { healthy: counts.healthy, total: counts.total, weight: counts.healthy }, previous)
    return [
      ...(sameContent(current, next) ? [] : [{ kind: 'put' as const, draft: next, expect: current?.revision ?? ('absent' as const) }]),
      ...(change.kind === 'changed' ? [{ kind: 'put' as const, draft: change.draft }] : []),
    ]
  }

  /** Other zones count on it as long as it is there. */
  #withdrawCapacity(mesh: string, name: string): RegistryChange[] {
    const { registry, zone } = this.#options
    const key = { kind: 'ServiceCapacity', mesh, name }
    return registry.get(key)?.labels[zoneLabel] === zone ? [{ kind: 'delete', key }] : []
  }

  #unionChanges(mesh: string, name: string): RegistryChange[] {
    const { registry } = this.#options
    const unions = registry.byLabel<MeshMultiZoneService>('MeshMultiZoneService', mesh, displayNameLabel, name)
    return unions.flatMap((union): RegistryChange[] => {
      const wanted = union.spec.selector.meshService.matchLabels[displayNameLabel]
      const candidates =
        wanted === undefined
          ? registry.list<MeshService>('MeshService', mesh)
          : registry.byLabel<MeshService>('MeshService', mesh, displayNameLabel, wanted)
      const status = multiZoneServiceStatus(membersOf(union, candidates), namingStatus(this.#namingOf(union)))
      const draft: ResourceDraft = { kind: union.kind, mesh, name: union.name, labels: union.labels, spec: union.spec, status }
      return sameContent(union, draft) ? [] : [{ kind: 'put', draft, expect: union.revision }]
    })
  }

  /** A service whose status has names and an address only: another zone's MeshService, or a MeshExternalService. */
  named(key: string): RegistryChange[] {
    const service = this.#options.registry.get<NameableService>(parseKey(key))
    const naming = service && this.#namingOf(service)
    if (!naming) return []
    const { kind, mesh, name, labels, spec, revision } = service
    const status = kind === 'MeshExternalService' ? externalServiceStatus(naming) : namingStatus(naming)
    const draft: ResourceDraft = { kind, mesh, name, labels, spec, status }
    return sameContent(service, draft) ? [] : [{ kind: 'put', draft, expect: revision }]
  }

  /** null = it is not registered yet, and has neither names nor an address. */
  #namingOf(service: Pick<NameableService, 'kind' | 'mesh' | 'name'>): Naming | null {
    const { hostnames, vips } = this.#options
    const key = formatKey(service)
    const [status, vip] = [hostnames.statusOf(key), vips.of(key)]
    return status && vip ? { hostnames: status, vip } : null
  }

  get #facts(): InstanceFacts {
    const { readiness } = this.#options
    return {
      isConnected: dataplane => readiness.isConnected(dataplane),
      isReady: (dataplane, inbound) => readiness.isReady(dataplane, inbound),
    }
  }

  /** Where the zone's gateways of a mesh are reached. */
  zoneAddresses(mesh: string): RegistryChange[] {
    const { registry, zone, readiness } = this.#options
    const { changed, removed } = deriveZoneAddresses({
      mesh,
      zone,
      dataplanes: registry.byLabel<Dataplane>('Dataplane', mesh, zoneIngressLabel, 'enabled'),
      existing: registry.list<MeshZoneAddress>('MeshZoneAddress', mesh).filter(address => (address.labels[zoneLabel] ?? zone) === zone),
      isServing: (dataplane, listener) => readiness.of(dataplane).zoneListeners.get(listener)?.state === 'ready',
    })
    return [
      ...changed.map<RegistryChange>(draft => ({ kind: 'put', draft })),
      ...removed.map<RegistryChange>(name => ({ kind: 'delete', key: { kind: 'MeshZoneAddress', mesh, name } })),
    ]
  }
}
