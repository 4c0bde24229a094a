import { type Dataplane, isAgentless } from '../../model/kinds/dataplane.ts'
import type { Claim, Verdict } from './claims.ts'

/** What became of a found workload. */
export type Published = Verdict | { readonly kind: 'name-taken'; readonly dataplane: string }

export interface Found extends Claim {
  readonly mesh: string
  readonly sourceName: string
  readonly scopeKey: string
  readonly fingerprint: string
  /** Mesh and address: what is found there is judged together. */
  readonly place: string
  published: Published
}

/** Where something is, of all that may claim it. */
export function placeOf(mesh: string, address: string): string {
  return `${mesh}/${address}`
}

/** What was found, and which Dataplanes have proxies, by where they are; and the places to look at again. */
export class FoundIndex {
  readonly dirty = new Set<string>()
  readonly #found = new Map<string, Found>()
  readonly #atPlace = new Map<string, Set<string>>()
  /** Names of Dataplanes that are not discovery's. */
  readonly #proxied = new Map<string, Set<string>>()

  get(key: string): Found | undefined {
    return this.#found.get(key)
  }

  all(): Iterable<Found> {
    return this.#found.values()
  }

  put(found: Omit<Found, 'published'>): void {
    const { key, place } = found
    const before = this.#found.get(key)
    if (before !== undefined && before.place !== place) this.#leave(before)
    this.#found.set(key, { ...found, published: before?.published ?? { kind: 'dataplane' } })
    add(this.#atPlace, place, key)
    this.dirty.add(place)
  }

  drop(key: string): void {
    const found = this.#found.get(key)
    if (found === undefined) return
    this.#found.delete(key)
    this.#leave(found)
  }

  at(place: string): Found[] {
    return [...(this.#atPlace.get(place) ?? [])].map(key => this.#found.get(key)!)
  }

  /** Names of Dataplanes with proxies, in order. */
  proxiedAt(place: string): string[] {
    return [...(this.#proxied.get(place) ?? [])].sort()
  }

  /** Another Dataplane stands in the place of one; either may be none. Also where somebody changed what discovery made: it is made again. */
  dataplaneChanged(now: Dataplane | undefined, before: Dataplane | undefined): void {
    if (before) this.#count(before, remove)
    if (now) this.#count(now, add)
  }

  #count(dataplane: Dataplane, change: (places: Map<string, Set<string>>, place: string, name: string) => void): void {
    const place = placeOf(dataplane.mesh, dataplane.spec.networking.address)
    if (!isAgentless(dataplane)) change(this.#proxied, place, dataplane.name)
    if (this.#atPlace.has(place)) this.dirty.add(place)
  }

  #leave({ key, place }: Found): void {
    remove(this.#atPlace, place, key)
    // Who was in its shadow may now be seen.
    this.dirty.add(place)
  }
}

function add(places: Map<string, Set<string>>, place: string, name: string): void {
  const here = places.get(place)
  if (here === undefined) places.set(place, new Set([name]))
  else here.add(name)
}

function remove(places: Map<string, Set<string>>, place: string, name: string): void {
  const here = places.get(place)
  here?.delete(name)
  if (here?.size === 0) places.delete(place)
}
