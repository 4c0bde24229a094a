import { hostnamesOf, indexServices, type NamedService } from '../derive/hostname.ts'
import { deriveMeshServices, isManaged, type MeshServiceDraft } from '../derive/mesh-service.ts'
import { sameContent } from '../derive/same-content.ts'
import { capacity } from '../derive/service-capacity.ts'
import { availability, countProxies, type InstanceFacts, membersOf, meshServiceStatus, multiZoneServiceStatus } from '../derive/status.ts'
import { deriveZoneAddresses } from '../derive/zone-address.ts'
import { type Dataplane, isZoneIngress } from '../model/kinds/dataplane.ts'
import type { MeshMultiZoneService } from '../model/kinds/mesh-multi-zone-service.ts'
import type { MeshService } from '../model/kinds/mesh-service.ts'
import type { MeshZoneAddress } from '../model/kinds/mesh-zone-address.ts'
import type { ServiceCapacity } from '../model/kinds/service-capacity.ts'
import { displayNameLabel, workloadLabel, zoneIngressLabel, zoneLabel } from '../model/labels.ts'
import { displayNameOf } from '../model/names.ts'
import type { ResourceDraft } from '../model/resource.ts'
import { selectsDataplane } from '../model/service-instances.ts'
import { matchesLabels } from '../model/target-ref.ts'
import type { ChangeBatch } from '../registry/change-batch.ts'
import type { Registry, RegistryChange } from '../registry/registry.ts'
import { RevisionConflictError } from '../registry/store.ts'
import type { Log } from '../std/log.ts'
import { instancesOf } from './instances.ts'
import type { ReadinessTracker } from './readiness-tracker.ts'

interface Options {
  readonly registry: Registry
  readonly zone: string
  readonly readiness: ReadinessTracker
  readonly spiffeIdOf: (dataplane: Dataplane) => string | null
  /** Can callers of other zones come in to this service: has a zone gateway taken its route? */
  readonly isExposed: (service: MeshService) => boolean
  readonly log: Log
}

/**
 * Writes what follows from Dataplanes and their readiness – MeshServices with state and status, ServiceCapacity, MeshZoneAddress – when
 * it differs from what is written. A change costs the instances of the services it touches.
 */
export class DerivedResources {
  readonly #options: Options
  /** `mesh/name` of services to look at again. */
  readonly #services = new Set<string>()
  /** Meshes whose zone addresses to look at again. */
  readonly #gateways = new Set<string>()
  /** This zone's services whose selector a user wrote: it need not be a workload's. Mesh → name → service. */
  readonly #userWritten = new Map<string, Map<string, MeshService>>()
  readonly #unsubscribe: () => void
  #running: Promise<void> | null = null
  #isClosed = false

  constructor(options: Options) {
    this.#options = options
    for (const service of options.registry.list<MeshService>('MeshService')) this.#keepUserWritten(service, service)
    this.touchAll()
    this.#unsubscribe = options.registry.onChange(batch => this.#onBatch(batch))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#unsubscribe()
    await this.#running
  }

  /** Resolves when everything that follows from what is known now is written. */
  async settled(): Promise<void> {
    while (this.#running) await this.#running
  }

  /** Facts about a proxy changed. */
  touchDataplane(mesh: string, name: string): void {
    const dataplane = this.#options.registry.get<Dataplane>({ kind: 'Dataplane', mesh, name })
    if (dataplane) this.#mark(dataplane)
    this.#schedule()
  }

  touchService(service: MeshService): void {
    if (service.labels[zoneLabel] === this.#options.zone) this.#services.add(`${service.mesh}/${service.name}`)
    this.#schedule()
  }

  /** Identities changed: every service of the zone, or of one mesh in it, is looked at again. */
  touchAll(mesh?: string): void {
    for (const dataplane of this.#options.registry.list<Dataplane>('Dataplane', mesh)) this.#mark(dataplane)
    for (const service of this.#options.registry.list<MeshService>('MeshService', mesh)) this.touchService(service)
    this.#schedule()
  }

  #onBatch(batch: ChangeBatch): void {
    for (const change of batch.changes) {
      const now = change.kind === 'put' ? change.resource : undefined
      const resource = now ?? change.previous!
      switch (resource.kind) {
        case 'Dataplane':
          this.#onDataplane(now as Dataplane | undefined, change.previous as Dataplane | undefined)
          break
        case 'MeshService':
          this.#keepUserWritten(resource as MeshService, now as MeshService | undefined)
          this.touchService(resource as MeshService)
          this.#markNamesakes(resource as MeshService)
          break
        case 'MeshMultiZoneService':
          this.#services.add(`${resource.mesh}/${displayNameOf(resource)}`)
          break
        case 'MeshIdentity':
          this.touchAll(resource.mesh)
      }
    }
    this.#schedule()
  }

  #onDataplane(now: Dataplane | undefined, previous: Dataplane | undefined): void {
    const isGateway = now !== undefined && isZoneIngress(now.spec)
    const wasGateway = previous !== undefined && isZoneIngress(previous.spec)
    // With the first gateway, and without the last, whether others can come in is decided anew.
    if (isGateway !== wasGateway) this.touchAll((now ?? previous)!.mesh)
    if (now) this.#mark(now)
    if (previous) this.#mark(previous)
  }

  #mark(dataplane: Dataplane): void {
    const { mesh, labels, spec } = dataplane
    if (isZoneIngress(spec)) this.#gateways.add(mesh)
    const workload = labels[workloadLabel]
    if (workload) this.#services.add(`${mesh}/${workload}`)
    for (const [name, service] of this.#userWritten.get(mesh) ?? []) {
      if (selectsDataplane(service.spec, dataplane)) this.#services.add(`${mesh}/${name}`)
    }
  }

  /** Services that are reached under its name, and those that unite it with others. */
  #markNamesakes(service: MeshService): void {
    const { mesh } = service
    this.#services.add(`${mesh}/${displayNameOf(service)}`)
    for (const union of this.#options.registry.list<MeshMultiZoneService>('MeshMultiZoneService', mesh)) {
      if (matchesLabels(service, union.spec.selector.meshService.matchLabels)) this.#services.add(`${mesh}/${displayNameOf(union)}`)
    }
  }

  #keepUserWritten({ mesh, name }: MeshService, now: MeshService | undefined): void {
    const services = this.#userWritten.get(mesh) ?? new Map<string, MeshService>()
    if (now && now.labels[zoneLabel] === this.#options.zone && !isManaged(now)) services.set(name, now)
    else services.delete(name)
    if (services.size > 0) this.#userWritten.set(mesh, services)
    else this.#userWritten.delete(mesh)
  }

  #schedule(): void {
    if (this.#isClosed || this.#running || (this.#services.size === 0 && this.#gateways.size === 0)) return
    this.#running = Promise.resolve()
      .then(() => this.#pass())
      .then(isDone => {
        this.#running = null
        if (isDone) this.#schedule()
      })
  }

  /** false = it failed, and what was to be looked at waits for the next change. Never rejects. */
  async #pass(): Promise<boolean> {
    const services = [...this.#services]
    const gateways = [...this.#gateways]
    this.#services.clear()
    this.#gateways.clear()
    try {
      const changes: RegistryChange[] = []
      for (const [mesh, keys] of Map.groupBy(services, key => key.split('/')[0]!)) {
        changes.push(...this.#changesOf(mesh, new Set(keys.map(key => key.split('/')[1]!))))
      }
      for (const mesh of gateways) changes.push(...this.#zoneAddresses(mesh))
      if (changes.length > 0) await this.#options.registry.commit(changes)
      return true
    } catch (error) {
      // All of it was given up: all of it is derived again, from what is there then.
      for (const key of services) this.#services.add(key)
      for (const mesh of gateways) this.#gateways.add(mesh)
      // Someone else wrote in between.
      if (error instanceof RevisionConflictError) return true
      this.#options.log.error('derived resources could not be written', { error })
      return false
    }
  }

  #changesOf(mesh: string, names: ReadonlySet<string>): RegistryChange[] {
    const { registry, zone, spiffeIdOf } = this.#options
    // What another control plane wrote under a name is not ours to write over.
    const ours = [...names].filter(name => (registry.get({ kind: 'MeshService', mesh, name })?.labels[zoneLabel] ?? zone) === zone)
    const existing = ours
      .map(name => registry.get<MeshService>({ kind: 'MeshService', mesh, name }))
      .filter(service => service !== undefined)
    const dataplanes = ours.flatMap(name => registry.byLabel<Dataplane>('Dataplane', mesh, workloadLabel, name))
    const derived = deriveMeshServices({ mesh, zone, dataplanes, existing, spiffeIdOf, stateOf: () => 'Unavailable' })
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
      status: meshServiceStatus(service, counts, this.#hostnamesOf(service)),
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
      const status = multiZoneServiceStatus(union, membersOf(union, candidates), this.#hostnamesOf(union))
      const draft: ResourceDraft = { kind: union.kind, mesh, name: union.name, labels: union.labels, spec: union.spec, status }
      return sameContent(union, draft) ? [] : [{ kind: 'put', draft, expect: union.revision }]
    })
  }

  #hostnamesOf(service: NamedService): string[] {
    const { registry, zone } = this.#options
    const name = displayNameOf(service)
    const namesakes = [
      ...registry.byLabel<MeshMultiZoneService>('MeshMultiZoneService', service.mesh, displayNameLabel, name),
      ...registry.byLabel<MeshService>('MeshService', service.mesh, displayNameLabel, name),
    ].filter(other => other.kind !== service.kind || other.name !== service.name)
    return hostnamesOf(service, indexServices([service, ...namesakes]), zone)
  }

  get #facts(): InstanceFacts {
    const { readiness } = this.#options
    return {
      isConnected: dataplane => readiness.isConnected(dataplane),
      isReady: (dataplane, inbound) => readiness.isReady(dataplane, inbound),
    }
  }

  #zoneAddresses(mesh: string): RegistryChange[] {
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
