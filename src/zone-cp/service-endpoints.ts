import { type ServiceEndpoint, serviceEndpoints } from '../derive/service-endpoints.ts'
import { membersOf } from '../derive/status.ts'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { MeshMultiZoneService } from '../model/kinds/mesh-multi-zone-service.ts'
import type { MeshService } from '../model/kinds/mesh-service.ts'
import type { MeshZoneAddress } from '../model/kinds/mesh-zone-address.ts'
import type { ServiceCapacity } from '../model/kinds/service-capacity.ts'
import { displayNameLabel, zoneLabel } from '../model/labels.ts'
import { displayNameOf } from '../model/names.ts'
import type { Resource } from '../model/resource.ts'
import type { ChangeBatch } from '../registry/change-batch.ts'
import type { Registry } from '../registry/registry.ts'
import { instancesOf } from './instances.ts'
import type { ReadinessTracker } from './readiness-tracker.ts'

export interface ServiceRef {
  readonly kind: 'MeshService' | 'MeshMultiZoneService'
  readonly mesh: string
  readonly name: string
}

interface Follower {
  readonly ref: ServiceRef
  readonly onChange: () => void
  /** Where it is found now. */
  keys: readonly string[]
}

interface Options {
  readonly registry: Registry
  readonly readiness: ReadinessTracker
  readonly zone: string
}

/** The endpoints of services as this zone sees them now, and who wants to hear when they may be others. */
export class ServiceEndpoints {
  readonly #registry: Registry
  readonly #readiness: ReadinessTracker
  readonly #zone: string
  /** What a follower's endpoints follow from (`label MESH KEY=VALUE`, `name MESH NAME`, …) → followers. */
  readonly #followers = new Map<string, Set<Follower>>()
  /** Labels that selectors of followed services begin with, and how many followers they have. */
  readonly #labels = new Map<string, number>()
  readonly #unsubscribe: () => void

  constructor({ registry, readiness, zone }: Options) {
    this.#registry = registry
    this.#readiness = readiness
    this.#zone = zone
    this.#unsubscribe = registry.onChange(batch => this.#onBatch(batch))
  }

  close(): void {
    this.#unsubscribe()
  }

  /** undefined = there is no such service. */
  read(ref: ServiceRef): readonly ServiceEndpoint[] | undefined {
    const service = this.#registry.get<MeshService | MeshMultiZoneService>(ref)
    if (!service) return undefined
    const registry = this.#registry
    return serviceEndpoints(service, this.#membersOf(service), {
      localZone: this.#zone,
      instancesOf: member => instancesOf(registry, member),
      readinessOf: dataplane => this.#readiness.of(dataplane),
      addressesOf: zone =>
        registry.list<MeshZoneAddress>('MeshZoneAddress', ref.mesh).filter(address => address.labels[zoneLabel] === zone),
      capacityOf: member =>
        registry
          .byLabel<ServiceCapacity>('ServiceCapacity', ref.mesh, displayNameLabel, displayNameOf(member))
          .find(capacity => capacity.labels[zoneLabel] === member.labels[zoneLabel]),
    })
  }

  /** Calls `onChange`, synchronously, whenever `read` may give something else; also when the service comes or goes. */
  follow(ref: ServiceRef, onChange: () => void): () => void {
    const follower: Follower = { ref, onChange, keys: [] }
    this.#place(follower)
    return () => this.#remove(follower)
  }

  /** Facts about a proxy changed. */
  touchDataplane(mesh: string, name: string): void {
    const dataplane = this.#registry.get<Dataplane>({ kind: 'Dataplane', mesh, name })
    if (dataplane && this.#followers.size > 0) this.#tell(this.#keysOf(dataplane))
  }

  #onBatch(batch: ChangeBatch): void {
    if (this.#followers.size === 0) return
    const keys = new Set<string>()
    for (const change of batch.changes) {
      if (change.kind === 'put') this.#keysOf(change.resource, keys)
      if (change.previous) this.#keysOf(change.previous, keys)
    }
    this.#tell(keys)
  }

  /** Whose followers a change of this concerns. */
  #keysOf(resource: Resource, keys = new Set<string>()): Set<string> {
    const { kind, mesh, name, labels } = resource
    switch (kind) {
      case 'Dataplane':
        keys.add(`dataplane ${mesh} ${name}`)
        for (const label of this.#labels.keys()) if (labels[label] !== undefined) keys.add(`label ${mesh} ${label}=${labels[label]}`)
        break
      case 'MeshService':
      case 'ServiceCapacity':
        keys.add(`name ${mesh} ${displayNameOf(resource)}`).add(`services ${mesh}`)
        break
      case 'MeshMultiZoneService':
        keys.add(`name ${mesh} ${displayNameOf(resource)}`)
        break
      case 'MeshZoneAddress':
        keys.add(`zones ${mesh}`)
    }
    return keys
  }

  #tell(keys: ReadonlySet<string>): void {
    const concerned = new Set<Follower>()
    for (const key of keys) for (const follower of this.#followers.get(key) ?? []) concerned.add(follower)
    for (const follower of concerned) {
      this.#remove(follower)
      this.#place(follower)
      follower.onChange()
    }
  }

  #place(follower: Follower): void {
    follower.keys = this.#keysFor(follower.ref)
    for (const key of follower.keys) {
      const here = this.#followers.get(key)
      if (here) here.add(follower)
      else this.#followers.set(key, new Set([follower]))
      const label = labelOf(key)
      if (label) this.#labels.set(label, (this.#labels.get(label) ?? 0) + 1)
    }
  }

  #remove(follower: Follower): void {
    for (const key of follower.keys) {
      const here = this.#followers.get(key)
      if (!here?.delete(follower)) continue
      if (here.size === 0) this.#followers.delete(key)
      const label = labelOf(key)
      if (!label) continue
      const left = this.#labels.get(label)! - 1
      if (left > 0) this.#labels.set(label, left)
      else this.#labels.delete(label)
    }
  }

  #keysFor({ kind, mesh, name }: ServiceRef): readonly string[] {
    const service = this.#registry.get<MeshService | MeshMultiZoneService>({ kind, mesh, name })
    const keys = new Set([`name ${mesh} ${service ? displayNameOf(service) : name}`, `zones ${mesh}`])
    if (!service) return [...keys]
    if (service.kind === 'MeshMultiZoneService') {
      const wanted = (service as MeshMultiZoneService).spec.selector.meshService.matchLabels?.[displayNameLabel]
      keys.add(wanted === undefined ? `services ${mesh}` : `name ${mesh} ${wanted}`)
    }
    for (const { spec, labels } of this.#membersOf(service)) {
      if ((labels[zoneLabel] ?? this.#zone) !== this.#zone) continue
      const [label, value] = Object.entries(spec.selector?.dataplaneLabels?.matchLabels ?? {})[0] ?? []
      if (spec.selector?.dataplaneRef) keys.add(`dataplane ${mesh} ${spec.selector.dataplaneRef.name}`)
      else if (label !== undefined) keys.add(`label ${mesh} ${label}=${value}`)
    }
    return [...keys]
  }

  #membersOf(service: MeshService | MeshMultiZoneService): readonly MeshService[] {
    if (service.kind === 'MeshService') return [service as MeshService]
    const union = service as MeshMultiZoneService
    const wanted = union.spec.selector.meshService.matchLabels?.[displayNameLabel]
    const candidates =
      wanted === undefined
        ? this.#registry.list<MeshService>('MeshService', union.mesh)
        : this.#registry.byLabel<MeshService>('MeshService', union.mesh, displayNameLabel, wanted)
    return membersOf(union, candidates)
  }
}

/** `label MESH KEY=VALUE` → KEY */
function labelOf(key: string): string | undefined {
  return key.startsWith('label ') ? /^label \S+ ([^=]+)=/.exec(key)?.[1] : undefined
}
