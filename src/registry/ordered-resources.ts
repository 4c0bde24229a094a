import type { Resource } from '../model/resource.ts'

/**
 * Resources ordered by mesh and name. What `list` has handed out never changes: the first change after it works on a copy, so
 * readers get an array without copying and a burst of changes copies once.
 */
export class OrderedResources {
  #resources: Resource[]
  #isShared = false
  #isOrdered = false
  #addedInARow = 0

  /** Takes over an array whose order does not matter. It is sorted when it is first used: of thousands of groups few are ever asked for. */
  constructor(resources: Resource[] = []) {
    this.#resources = resources
  }

  list(): readonly Resource[] {
    this.#addedInARow = 0
    this.#order()
    this.#isShared = true
    return this.#resources
  }

  get size(): number {
    return this.#resources.length
  }

  /** One that is not in it yet. When many come and nobody looks, they are put in their places together: each by itself moves all that follow. */
  add(resource: Resource): void {
    this.#unshare()
    if (this.#isOrdered && ++this.#addedInARow <= putOneByOne) {
      this.#resources.splice(this.#placeOf(resource), 0, resource)
    } else {
      this.#resources.push(resource)
      this.#isOrdered = false
    }
  }

  /** The newer state of one that is in it. */
  replace(resource: Resource): void {
    this.#addedInARow = 0
    const place = this.#placeOf(resource)
    this.#unshare()
    this.#resources[place] = resource
  }

  delete(resource: Resource): void {
    this.#addedInARow = 0
    const place = this.#placeOf(resource)
    if (place === this.#resources.length || compareResources(this.#resources[place]!, resource) !== 0) return
    this.#unshare()
    this.#resources.splice(place, 1)
  }

  #order(): void {
    if (this.#isOrdered) return
    this.#resources.sort(compareResources)
    this.#isOrdered = true
  }

  #placeOf(resource: Resource): number {
    this.#order()
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

/** Sorting what is all but sorted costs a pass over it: more than a few insertions, less than many. */
const putOneByOne = 16

/** By UTF-16 code units, the same on every machine whatever its locale. */
function compareResources(a: Resource, b: Resource): number {
  if (a.mesh !== b.mesh) return a.mesh < b.mesh ? -1 : 1
  if (a.name !== b.name) return a.name < b.name ? -1 : 1
  return 0
}
