import type { Resource } from '../model/resource.ts'

/**
 * Resources ordered by mesh and name. What `list` has handed out never changes: the first change after it works on a copy, so
 * readers get an array without copying and a burst of changes copies once.
 */
export class OrderedResources {
  #resources: Resource[] = []
  #isShared = false

  /** Takes resources that are in order already, or not yet: one sort instead of an insertion each. */
  constructor(resources: Iterable<Resource> = []) {
    this.#resources = [...resources].sort(compareResources)
  }

  list(): readonly Resource[] {
    this.#isShared = true
    return this.#resources
  }

  get size(): number {
    return this.#resources.length
  }

  put(resource: Resource): void {
    const place = this.#placeOf(resource)
    const isReplacement = place < this.#resources.length && compareResources(this.#resources[place]!, resource) === 0
    this.#unshare()
    this.#resources.splice(place, isReplacement ? 1 : 0, resource)
  }

  delete(resource: Resource): void {
    const place = this.#placeOf(resource)
    if (place === this.#resources.length || compareResources(this.#resources[place]!, resource) !== 0) return
    this.#unshare()
    this.#resources.splice(place, 1)
  }

  #placeOf(resource: Resource): number {
    let low = 0
    let high = this.#resources.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareResources(this.#resources[middle]!, resource) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  #unshare(): void {
    if (!this.#isShared) return
    this.#resources = this.#resources.slice()
    this.#isShared = false
  }
}

/** By UTF-16 code units, the same on every machine whatever its locale. */
function compareResources(a: Resource, b: Resource): number {
  if (a.mesh !== b.mesh) return a.mesh < b.mesh ? -1 : 1
  if (a.name !== b.name) return a.name < b.name ? -1 : 1
  return 0
}
