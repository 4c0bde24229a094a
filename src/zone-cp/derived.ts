import { isNameable, type NameableService, nameableKinds } from '../derive/hostname-generator.ts'
import { isManaged } from '../derive/mesh-service.ts'
import { type Dataplane, isZoneIngress } from '../model/kinds/dataplane.ts'
import type { MeshMultiZoneService } from '../model/kinds/mesh-multi-zone-service.ts'
import type { MeshService } from '../model/kinds/mesh-service.ts'
import { workloadLabel, zoneLabel } from '../model/labels.ts'
import { displayNameOf } from '../model/names.ts'
import { formatKey, parseKey } from '../model/resource.ts'
import { selectsDataplane } from '../model/service-instances.ts'
import { matchesLabels } from '../model/target-ref.ts'
import type { ChangeBatch } from '../registry/change-batch.ts'
import type { RegistryChange } from '../registry/registry.ts'
import { RevisionConflictError } from '../registry/store.ts'
import type { Log } from '../std/log.ts'
import { DerivedChanges, type DerivedOptions } from './derived-changes.ts'

interface Options extends DerivedOptions {
  readonly log: Log
}

/** Services with more instances than that are derived and committed some at a time: what else there is to do is done in between. */
const instancesPerPass = 500

/**
 * Writes what follows from Dataplanes and their readiness – MeshServices with state and status, ServiceCapacity, MeshZoneAddress – and
 * the names and virtual addresses of all services, when it differs from what is written. A change costs the instances of the services
 * it touches.
 */
export class DerivedResources {
  readonly #options: Options
  readonly #derive: DerivedChanges
  /** `mesh/name` of services to look at again. */
  readonly #services = new Set<string>()
  /** Keys of services whose status has names and an address only: other zones' MeshServices, and MeshExternalServices. */
  readonly #named = new Set<string>()
  /** Meshes whose zone addresses to look at again. */
  readonly #gateways = new Set<string>()
  /** This zone's services whose selector a user wrote: it need not be a workload's. Mesh → name → service. */
  readonly #userWritten = new Map<string, Map<string, MeshService>>()
  readonly #unsubscribe: readonly (() => void)[]
  #running: Promise<void> | null = null
  #isClosed = false

  constructor(options: Options) {
    this.#options = options
    this.#derive = new DerivedChanges(options)
    for (const service of options.registry.list<MeshService>('MeshService')) this.#keepUserWritten(service, service)
    this.touchAll()
    for (const kind of nameableKinds) for (const service of options.registry.list<NameableService>(kind)) this.#markNamed(service)
    this.#unsubscribe = [
      options.hostnames.onChange(keys => this.#touchNamed(keys)),
      options.vips.onChange(keys => this.#touchNamed(keys)),
      options.registry.onChange(batch => this.#onBatch(batch)),
    ]
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
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

  /** The names or addresses of services are others. */
  #touchNamed(keys: Iterable<string>): void {
    for (const key of keys) {
      const service = this.#options.registry.get(parseKey(key))
      if (service && isNameable(service)) this.#markNamed(service)
    }
    this.#schedule()
  }

  #markNamed(service: NameableService): void {
    const { mesh, kind, name, labels } = service
    if (kind === 'MeshMultiZoneService') this.#services.add(`${mesh}/${displayNameOf(service)}`)
    else if (kind === 'MeshService' && (labels[zoneLabel] ?? this.#options.zone) === this.#options.zone)
      this.#services.add(`${mesh}/${name}`)
    else this.#named.add(formatKey(service))
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
          for (const service of [now, change.previous]) if (service) this.#markUnionsOf(service as MeshService)
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

  #markUnionsOf(service: MeshService): void {
    const { mesh } = service
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
    if (this.#isClosed || this.#running || this.#services.size + this.#named.size + this.#gateways.size === 0) return
    this.#running = Promise.resolve()
      .then(() => this.#pass())
      .then(isDone => {
        this.#running = null
        if (isDone) this.#schedule()
      })
  }

  #nextServices(): string[] {
    const services: string[] = []
    let instances = 0
    for (const key of this.#services) {
      services.push(key)
      const [mesh = '', name = ''] = key.split('/')
      instances += this.#options.registry.byLabel('Dataplane', mesh, workloadLabel, name).length
      if (instances >= instancesPerPass) break
    }
    return services
  }

  /** false = it failed, and what was to be looked at waits for the next change. Never rejects. */
  async #pass(): Promise<boolean> {
    const services = this.#nextServices()
    const named = [...this.#named]
    const gateways = [...this.#gateways]
    for (const key of services) this.#services.delete(key)
    this.#named.clear()
    this.#gateways.clear()
    try {
      const changes: RegistryChange[] = []
      for (const [mesh, keys] of Map.groupBy(services, key => key.split('/')[0]!)) {
        changes.push(...this.#derive.services(mesh, new Set(keys.map(key => key.split('/')[1]!))))
      }
      for (const key of named) changes.push(...this.#derive.named(key))
      for (const mesh of gateways) changes.push(...this.#derive.zoneAddresses(mesh))
      if (changes.length > 0) await this.#options.registry.commit(changes)
      if (this.#services.size > 0) await new Promise(resolve => setImmediate(resolve))
      return true
    } catch (error) {
      // All of it was given up: all of it is derived again, from what is there then.
      for (const key of services) this.#services.add(key)
      for (const key of named) this.#named.add(key)
      for (const mesh of gateways) this.#gateways.add(mesh)
      // Someone else wrote in between.
      if (error instanceof RevisionConflictError) return true
      this.#options.log.error('derived resources could not be written', { error })
      return false
    }
  }
}
