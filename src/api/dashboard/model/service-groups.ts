import type { MeshMultiZoneService } from '../../../model/kinds/mesh-multi-zone-service.ts'
import type { MeshService } from '../../../model/kinds/mesh-service.ts'
import { displayNameLabel } from '../../../model/labels.ts'
import { displayNameOf } from '../../../model/names.ts'
import { matchesLabels } from '../../../model/target-ref.ts'
import type { Registry } from '../../../registry/registry.ts'

/** Everything that people know under one name in one mesh. */
export interface ServiceGroup {
  readonly mesh: string
  readonly name: string
  /** The one that unites MeshServices, if there is one. */
  readonly union: MeshMultiZoneService | undefined
  /** The MeshServices of this name, and those that the union selects. */
  readonly members: readonly MeshService[]
}

/** Which MeshServices and MeshMultiZoneServices belong together, found without looking at all of them. */
export class ServiceGroups {
  readonly #registry: Pick<Registry, 'get' | 'list' | 'byLabel'>
  /** `mesh/display name` → stored names. */
  readonly #services = new Map<string, Set<string>>()
  readonly #unions = new Map<string, Set<string>>()
  /** `mesh/label=value` → display names of unions that select by it; `mesh/` → of those that select everything. */
  readonly #bySelector = new Map<string, Set<string>>()

  constructor(registry: Pick<Registry, 'get' | 'list' | 'byLabel'>) {
    this.#registry = registry
  }

  /** @returns the groups that it is or was part of */
  service(now: MeshService | undefined, before: MeshService | undefined): string[] {
    if (before) remove(this.#services, idOf(before), before.name)
    if (now) insert(this.#services, idOf(now), now.name)
    return [now, before].flatMap(service => (service ? [idOf(service), ...this.#unionsOf(service)] : []))
  }

  /** @returns the groups that it is or was part of */
  union(now: MeshMultiZoneService | undefined, before: MeshMultiZoneService | undefined): string[] {
    if (before) {
      remove(this.#unions, idOf(before), before.name)
      remove(this.#bySelector, selectorOf(before), displayNameOf(before))
    }
    if (now) {
      insert(this.#unions, idOf(now), now.name)
      insert(this.#bySelector, selectorOf(now), displayNameOf(now))
    }
    return [now, before].flatMap(union => (union ? [idOf(union)] : []))
  }

  /** undefined = nothing has this name any more. */
  group(id: string): ServiceGroup | undefined {
    const { mesh, name } = parseId(id)
    const [unionName] = [...(this.#unions.get(id) ?? [])].sort()
    const union =
      unionName === undefined
        ? undefined
        : this.#registry.get<MeshMultiZoneService>({ kind: 'MeshMultiZoneService', mesh, name: unionName })
    const members = new Map(this.#named(id).map(service => [service.name, service]))
    for (const service of union ? this.#selected(union) : []) members.set(service.name, service)
    if (members.size === 0 && !union) return undefined
    return { mesh, name, union, members: [...members.values()].sort((a, b) => (a.name < b.name ? -1 : 1)) }
  }

  #named(id: string): MeshService[] {
    const { mesh } = parseId(id)
    return [...(this.#services.get(id) ?? [])].flatMap(name => this.#registry.get<MeshService>({ kind: 'MeshService', mesh, name }) ?? [])
  }

  #selected(union: MeshMultiZoneService): MeshService[] {
    const { mesh } = union
    const labels = union.spec.selector.meshService.matchLabels
    const [label, value] = pairOf(labels) ?? []
    const candidates =
      label === undefined || value === undefined
        ? this.#registry.list<MeshService>('MeshService', mesh)
        : label === displayNameLabel
          ? this.#named(`${mesh}/${value}`)
          : this.#registry.byLabel<MeshService>('MeshService', mesh, label, value)
    return candidates.filter(service => matchesLabels(service, labels))
  }

  #unionsOf(service: MeshService): string[] {
    const { mesh } = service
    const pairs = Object.entries({ [displayNameLabel]: displayNameOf(service), ...service.labels })
    const selectors = [`${mesh}/`, ...pairs.map(([label, value]) => `${mesh}/${label}=${value}`)]
    return selectors.flatMap(selector => [...(this.#bySelector.get(selector) ?? [])].map(name => `${mesh}/${name}`))
  }
}

function idOf(resource: Pick<MeshService, 'mesh' | 'name' | 'labels'>): string {
  return `${resource.mesh}/${displayNameOf(resource)}`
}

function parseId(id: string): { readonly mesh: string; readonly name: string } {
  const slash = id.indexOf('/')
  return { mesh: id.slice(0, slash), name: id.slice(slash + 1) }
}

function selectorOf(union: MeshMultiZoneService): string {
  const pair = pairOf(union.spec.selector.meshService.matchLabels)
  return `${union.mesh}/${pair ? pair.join('=') : ''}`
}

/** One of the labels that a selector asks for: of the name, if it asks for one. */
function pairOf(labels: Readonly<Record<string, string>>): readonly [string, string] | undefined {
  const name = labels[displayNameLabel]
  return name === undefined ? Object.entries(labels)[0] : [displayNameLabel, name]
}

function insert(sets: Map<string, Set<string>>, key: string, value: string): void {
  const set = sets.get(key)
  if (set) set.add(value)
  else sets.set(key, new Set([value]))
}

function remove(sets: Map<string, Set<string>>, key: string, value: string): void {
  const set = sets.get(key)
  set?.delete(value)
  if (set?.size === 0) sets.delete(key)
}
