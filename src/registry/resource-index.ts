import type { Resource, ResourceKey } from '../model/resource.ts'
import { OrderedResources } from './ordered-resources.ts'

/** All resources in memory. An order or a label index is made when it is first asked for, and kept up with every change from then on. */
export class ResourceIndex {
  readonly #kinds = new Map<string, KindIndex>()

  get(key: ResourceKey): Resource | undefined {
    return this.#kinds.get(key.kind)?.get(key.mesh, key.name)
  }

  list(kind: string, mesh?: string): readonly Resource[] {
    return this.#kinds.get(kind)?.list(mesh) ?? none
  }

  byLabel(kind: string, mesh: string, label: string, value: string): readonly Resource[] {
    return this.#kinds.get(kind)?.byLabel(mesh, label, value) ?? none
  }

  *all(): IterableIterator<Resource> {
    for (const kind of [...this.#kinds.keys()].sort()) yield* this.#kinds.get(kind)!.list()
  }

  /** @returns what was there before. */
  put(resource: Resource): Resource | undefined {
    let index = this.#kinds.get(resource.kind)
    if (!index) {
      index = new KindIndex()
      this.#kinds.set(resource.kind, index)
    }
    return index.put(resource)
  }

  /** @returns what was there before. */
  delete(key: ResourceKey): Resource | undefined {
    return this.#kinds.get(key.kind)?.delete(key)
  }
}

const none: readonly Resource[] = Object.freeze([])

class KindIndex {
  /** mesh → name → resource */
  readonly #meshes = new Map<string, Map<string, Resource>>()
  readonly #labels = new Map<string, LabelIndex>()
  /** mesh → its resources in order; under `everyMesh` those of all. */
  readonly #orders = new Map<string | typeof everyMesh, OrderedResources>()

  get(mesh: string, name: string): Resource | undefined {
    return this.#meshes.get(mesh)?.get(name)
  }

  list(mesh: string | typeof everyMesh = everyMesh): readonly Resource[] {
    let order = this.#orders.get(mesh)
    if (!order) {
      if (mesh !== everyMesh && !this.#meshes.has(mesh)) return none
      order = new OrderedResources(mesh === everyMesh ? this.#resources() : this.#meshes.get(mesh)!.values())
      this.#orders.set(mesh, order)
    }
    return order.list()
  }

  byLabel(mesh: string, label: string, value: string): readonly Resource[] {
    let index = this.#labels.get(label)
    if (!index) {
      index = new LabelIndex(label, this.#resources())
      this.#labels.set(label, index)
    }
    return index.list(mesh, value)
  }

  put(resource: Resource): Resource | undefined {
    let names = this.#meshes.get(resource.mesh)
    if (!names) {
      names = new Map()
      this.#meshes.set(resource.mesh, names)
    }
    const previous = names.get(resource.name)
    names.set(resource.name, resource)
    this.#orders.get(resource.mesh)?.put(resource)
    this.#orders.get(everyMesh)?.put(resource)
    for (const index of this.#labels.values()) index.replace(previous, resource)
    return previous
  }

  delete({ mesh, name }: ResourceKey): Resource | undefined {
    const names = this.#meshes.get(mesh)
    const previous = names?.get(name)
    if (!names || !previous) return undefined
    names.delete(name)
    this.#orders.get(mesh)?.delete(previous)
    this.#orders.get(everyMesh)?.delete(previous)
    for (const index of this.#labels.values()) index.replace(previous, undefined)
    if (names.size === 0) {
      this.#meshes.delete(mesh)
      this.#orders.delete(mesh)
    }
    return previous
  }

  *#resources(): Iterable<Resource> {
    for (const names of this.#meshes.values()) yield* names.values()
  }
}

const everyMesh = Symbol('every mesh')

class LabelIndex {
  readonly #label: string
  /** `<mesh>/<value>` → resources in order. Meshes hold no slash. */
  readonly #groups = new Map<string, OrderedResources>()

  constructor(label: string, resources: Iterable<Resource>) {
    this.#label = label
    const groups = Map.groupBy(resources, resource => this.#groupOf(resource))
    for (const [group, members] of groups) if (group !== undefined) this.#groups.set(group, new OrderedResources(members))
  }

  list(mesh: string, value: string): readonly Resource[] {
    return this.#groups.get(`${mesh}/${value}`)?.list() ?? none
  }

  replace(previous: Resource | undefined, next: Resource | undefined): void {
    const oldGroup = previous && this.#groupOf(previous)
    const newGroup = next && this.#groupOf(next)
    if (previous && oldGroup !== undefined && oldGroup !== newGroup) this.#remove(oldGroup, previous)
    if (!next || newGroup === undefined) return
    const members = this.#groups.get(newGroup)
    if (members) members.put(next)
    else this.#groups.set(newGroup, new OrderedResources([next]))
  }

  #remove(group: string, resource: Resource): void {
    const members = this.#groups.get(group)
    members?.delete(resource)
    if (members?.size === 0) this.#groups.delete(group)
  }

  #groupOf(resource: Resource): string | undefined {
    const value = Object.hasOwn(resource.labels, this.#label) ? resource.labels[this.#label] : undefined
    return value === undefined ? undefined : `${resource.mesh}/${value}`
  }
}
