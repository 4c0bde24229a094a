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
      order = new OrderedResources([...(mesh === everyMesh ? this.#resources() : this.#meshes.get(mesh)!.values())])
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
    for (const order of [this.#orders.get(resource.mesh), this.#orders.get(everyMesh)]) {
      if (previous) order?.replace(resource)
      else order?.add(resource)
    }
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

/** Resources by one label's value. */
class LabelIndex {
  readonly #label: string
  /** mesh → value → resources in order */
  readonly #meshes = new Map<string, Map<string, OrderedResources>>()

  constructor(label: string, resources: Iterable<Resource>) {
    this.#label = label
    const members = new Map<string, Map<string, Resource[]>>()
    for (const resource of resources) {
      const value = this.#valueOf(resource)
      if (value === undefined) continue
      const values = getOrMake(members, resource.mesh, () => new Map<string, Resource[]>())
      getOrMake(values, value, () => []).push(resource)
    }
    for (const [mesh, values] of members) {
      const groups = new Map<string, OrderedResources>()
      for (const [value, group] of values) groups.set(value, new OrderedResources(group))
      this.#meshes.set(mesh, groups)
    }
  }

  list(mesh: string, value: string): readonly Resource[] {
    return this.#meshes.get(mesh)?.get(value)?.list() ?? none
  }

  replace(previous: Resource | undefined, next: Resource | undefined): void {
    const oldValue = previous && this.#valueOf(previous)
    const newValue = next && this.#valueOf(next)
    if (previous && oldValue !== undefined && oldValue !== newValue) this.#remove(oldValue, previous)
    if (!next || newValue === undefined) return
    const values = getOrMake(this.#meshes, next.mesh, () => new Map<string, OrderedResources>())
    const group = getOrMake(values, newValue, () => new OrderedResources())
    if (oldValue === newValue) group.replace(next)
    else group.add(next)
  }

  #remove(value: string, resource: Resource): void {
    const values = this.#meshes.get(resource.mesh)
    const group = values?.get(value)
    if (!values || !group) return
    group.delete(resource)
    if (group.size === 0) values.delete(value)
    if (values.size === 0) this.#meshes.delete(resource.mesh)
  }

  #valueOf(resource: Resource): string | undefined {
    const value: unknown = resource.labels[this.#label]
    return typeof value === 'string' ? value : undefined // what every object inherits is no string
  }
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}
