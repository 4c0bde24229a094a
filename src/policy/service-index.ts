import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { MeshMultiZoneService } from '../model/kinds/mesh-multi-zone-service.ts'
import { type MeshService, portName } from '../model/kinds/mesh-service.ts'
import { displayNameLabel, zoneLabel } from '../model/labels.ts'
import { displayNameOf } from '../model/names.ts'
import { isHttp, type Protocol } from '../model/schema.ts'
import { selectsDataplane } from '../model/service-instances.ts'
import { matchesLabels } from '../model/target-ref.ts'
import { PersistentMap } from './persistent-map.ts'

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
  /** Does a proxy look into what is sent? */
  readonly protocol: 'http' | 'tcp'
  readonly appProtocol: Protocol
}

/** A service that came, changed or, without a resource, went. */
export type ServiceChange =
  | { readonly kind: 'MeshService'; readonly name: string; readonly resource: MeshService | undefined }
  | { readonly kind: 'MeshMultiZoneService'; readonly name: string; readonly resource: MeshMultiZoneService | undefined }

type Groups = PersistentMap<string, PersistentMap<string, ServiceView>>

/**
 * The services of a mesh, found by key, by display name, by the Dataplanes that they select and by what unites them. Immutable; a change costs
 * what the changed services cost, however many others there are.
 */
export class ServiceIndex {
  readonly byKey: PersistentMap<string, ServiceView>
  readonly #zone: string
  readonly #byName: Groups
  /** This zone's MeshServices by one of the labels that they select by, or by the Dataplane that they name. */
  readonly #bySelector: Groups
  /** MeshMultiZoneServices by the display name that they unite; '' = those that unite by other labels. */
  readonly #unions: Groups
  /** By the host names that HostnameGenerators gave them. */
  readonly #byHostname: Groups

  private constructor(
    zone: string,
    byKey: PersistentMap<string, ServiceView>,
    byName: Groups,
    bySelector: Groups,
    unions: Groups,
    byHostname: Groups,
  ) {
    this.#zone = zone
    this.byKey = byKey
    this.#byName = byName
    this.#bySelector = bySelector
    this.#unions = unions
    this.#byHostname = byHostname
  }

  /** @param zone whose Dataplanes its services select */
  static empty(zone: string): ServiceIndex {
    const none: Groups = PersistentMap.empty()
    return new ServiceIndex(zone, PersistentMap.empty(), none, none, none, none)
  }

  with(changes: readonly ServiceChange[]): ServiceIndex {
    if (changes.length === 0) return this
    const keys = new Map<string, ServiceView | undefined>()
    const names = new GroupChanges(this.#byName)
    const selectors = new GroupChanges(this.#bySelector)
    const unions = new GroupChanges(this.#unions)
    const hostnames = new GroupChanges(this.#byHostname)
    for (const change of changes) {
      const key = `${change.kind}/${change.name}`
      const before = keys.has(key) ? keys.get(key) : this.byKey.get(key)
      const after = change.resource && serviceView(change.resource, change.kind, this.#zone)
      keys.set(key, after)
      for (const [service, isThere] of [[before, false] as const, [after, true] as const]) {
        if (!service) continue
        const value = isThere ? service : undefined
        names.set(service.displayName, key, value)
        const selector = this.#selectorOf(service)
        if (selector !== null) selectors.set(selector, key, value)
        if (service.kind === 'MeshMultiZoneService') unions.set(unitedName(service), key, value)
        for (const hostname of generatedHostnames(service)) hostnames.set(hostname, key, value)
      }
    }
    return new ServiceIndex(this.#zone, this.byKey.with(keys), names.done(), selectors.done(), unions.done(), hostnames.done())
  }

  /** Services of either kind and any zone. */
  named(displayName: string): readonly ServiceView[] {
    const named = this.#byName.get(displayName)
    return named ? listOf(named) : []
  }

  /** The service that a HostnameGenerator gave this name, in lower case. */
  called(hostname: string): ServiceView | undefined {
    const [service] = this.#byHostname.get(hostname)?.values() ?? []
    return service
  }

  /** MeshServices of the zone that a Dataplane of the zone stands behind. */
  selecting(dataplane: Dataplane): ServiceView[] {
    const found: ServiceView[] = []
    const look = (selector: string) => {
      for (const service of this.#bySelector.get(selector)?.values() ?? [])
        if (selectsDataplane((service.resource as MeshService).spec, dataplane)) found.push(service)
    }
    look(`=${dataplane.name}`)
    for (const label in dataplane.labels) look(`${label}=${dataplane.labels[label]}`)
    return found
  }

  /** The MeshMultiZoneServices that a MeshService is part of. */
  uniting(service: ServiceView): ServiceView[] {
    if (service.kind !== 'MeshService') return []
    const candidates = [...(this.#unions.get(service.displayName)?.values() ?? []), ...(this.#unions.get('')?.values() ?? [])]
    return candidates.filter(union => matchesLabels(service.resource, unitedLabels(union)))
  }

  /** null = it has no Dataplanes here. */
  #selectorOf(service: ServiceView): string | null {
    if (service.kind !== 'MeshService' || service.zone !== this.#zone) return null
    const { dataplaneRef, dataplaneLabels } = (service.resource as MeshService).spec.selector ?? {}
    if (dataplaneRef?.name !== undefined) return `=${dataplaneRef.name}`
    for (const [label, value] of Object.entries(dataplaneLabels?.matchLabels ?? {})) return `${label}=${value}`
    return null
  }
}

/** The host names that HostnameGenerators gave a service in this zone, as its status says. */
export function generatedHostnames({ resource }: ServiceView): string[] {
  return (resource.status?.addresses ?? []).flatMap(({ hostname, hostnameGeneratorRef }) => (hostnameGeneratorRef ? [hostname] : []))
}

/** The labels of the MeshServices that a MeshMultiZoneService unites. */
export function unitedLabels(union: ServiceView): Readonly<Record<string, string>> {
  return (union.resource as MeshMultiZoneService).spec.selector.meshService.matchLabels
}

function unitedName(union: ServiceView): string {
  return unitedLabels(union)[displayNameLabel] ?? ''
}

/** As a list, made once: most groups are asked for far more often than they change. */
function listOf(group: PersistentMap<string, ServiceView>): readonly ServiceView[] {
  let list = lists.get(group)
  if (!list) {
    list = [...group.values()]
    lists.set(group, list)
  }
  return list
}

const lists = new WeakMap<object, readonly ServiceView[]>()

/** Changes to groups that are kept together and made at once. */
class GroupChanges {
  readonly #groups: Groups
  readonly #changed = new Map<string, Map<string, ServiceView | undefined>>()

  constructor(groups: Groups) {
    this.#groups = groups
  }

  set(group: string, key: string, service: ServiceView | undefined): void {
    const changes = this.#changed.get(group)
    if (changes) changes.set(key, service)
    else this.#changed.set(group, new Map([[key, service]]))
  }

  done(): Groups {
    const next = [...this.#changed].map(([group, changes]) => {
      const members = (this.#groups.get(group) ?? PersistentMap.empty<string, ServiceView>()).with(changes)
      return [group, members.size === 0 ? undefined : members] as const
    })
    return this.#groups.with(next)
  }
}

function serviceView(resource: MeshService | MeshMultiZoneService, kind: ServiceView['kind'], ownZone: string): ServiceView {
  const ports = (resource.spec.ports ?? []).map(port => ({
    name: portName(port),
    port: port.port,
    protocol: isHttp(port.appProtocol) ? ('http' as const) : ('tcp' as const),
    appProtocol: port.appProtocol ?? 'tcp',
  }))
  const zone = kind === 'MeshService' ? (resource.labels[zoneLabel] ?? ownZone) : ''
  return { key: `${kind}/${resource.name}`, kind, resource, displayName: displayNameOf(resource), zone, ports }
}
