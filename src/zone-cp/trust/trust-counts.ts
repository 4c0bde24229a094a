import type { TrustedRoots } from '../../model/kinds/trust-acknowledgement.ts'
import type { TrustPlan } from '../../policy/plan.ts'
import type { Clock, Timer } from '../../std/clock.ts'
import { intersection, rootsOf } from './roots.ts'

/** A proxy that has not acknowledged its newest bundles after so long holds the others up no longer. */
export const trustWithinMs = 5_000

/** Whoever verifies peers; one object for each stream. */
export interface Verifier {
  readonly mesh: string
  readonly name: string
}

/** What the proxies of a mesh have acknowledged. */
export interface TrustCount {
  /** How many are waited for. */
  readonly counted: number
  /** What all of them believe. */
  readonly trusts: readonly TrustedRoots[]
  /** Names of those that were not in time, in order. */
  readonly behind: readonly string[]
}

interface Version {
  readonly id: string
  readonly roots: readonly TrustedRoots[]
}

/** A proxy's place in the count. */
interface Place {
  readonly verifier: Verifier
  wants: Version
  /** null = it has never run what it should, and is not counted yet: it is not ready either. */
  runs: Version | null
  /** Monotonic ms: since when it runs something else than it should, or is gone. */
  since: number
  isGone: boolean
  isLate: boolean
}

/**
 * Counts which bundles the connected proxies have acknowledged. Who comes joins the count with its first acknowledgement of what is current,
 * so that nobody's coming takes back what the others have said; who does not answer, or leaves without having answered, is waited for
 * `trustWithinMs`.
 */
export class TrustCounts {
  readonly #clock: Clock
  readonly #places = new Map<Verifier, Place>()
  readonly #meshes = new Map<string, MeshCount>()
  /** The count of a mesh may be another now. */
  onChange: (mesh: string) => void = () => {}

  constructor(clock: Clock) {
    this.#clock = clock
  }

  close(): void {
    for (const mesh of this.#meshes.values()) mesh.timer?.cancel()
  }

  /** A proxy should run these bundles; null = it verifies nobody. */
  wants(verifier: Verifier, version: string | null, bundles: readonly TrustPlan[]): void {
    const place = this.#places.get(verifier)
    if (version === null) {
      if (place) this.#remove(place)
      return
    }
    if (place?.wants.id === version) return
    const mesh = this.#mesh(verifier.mesh)
    const wants = mesh.version(version, bundles)
    if (!place) {
      const added: Place = { verifier, wants, runs: null, since: this.#clock.monotonic(), isGone: false, isLate: false }
      this.#places.set(verifier, added)
      mesh.places.add(added)
    } else {
      // One that is behind already has not become prompt because there is more to take.
      if (place.runs === place.wants) place.since = this.#clock.monotonic()
      place.wants = wants
      if (place.runs?.id === version) this.#takes(place, wants)
    }
    this.#arm(mesh)
  }

  /** A proxy runs the bundles of this version. */
  runs(verifier: Verifier, version: string): void {
    const place = this.#places.get(verifier)
    if (!place) return
    if (place.wants.id === version) this.#takes(place, place.wants)
    else if (place.runs) this.#takes(place, this.#mesh(verifier.mesh).known(version) ?? place.runs)
  }

  /** Its stream is over. It may be on its way back with what it had. */
  left(verifier: Verifier): void {
    const place = this.#places.get(verifier)
    if (!place) return
    this.#places.delete(verifier)
    if (place.runs === null) {
      this.#remove(place)
      return
    }
    if (place.runs === place.wants) place.since = this.#clock.monotonic()
    place.isGone = true
    this.#mesh(verifier.mesh).leave(place)
    this.#arm(this.#mesh(verifier.mesh))
  }

  /** Its Dataplane is gone: it does not come back with what it had. */
  forget(mesh: string, name: string): void {
    if (this.#meshes.get(mesh)?.forget(name)) this.onChange(mesh)
  }

  /** Is a proxy of this name there, and waited for? */
  has(mesh: string, name: string): boolean {
    for (const place of this.#meshes.get(mesh)?.places ?? [])
      if (place.verifier.name === name && !place.isGone && isCounted(place)) return true
    return false
  }

  of(mesh: string): TrustCount {
    const places = [...(this.#meshes.get(mesh)?.places ?? [])]
    const counted = places.filter(isCounted)
    const versions = new Set(counted.map(place => place.runs!))
    const behind = places.filter(place => place.isLate && !place.isGone).map(place => place.verifier.name)
    return { counted: counted.length, trusts: intersection([...versions].map(({ roots }) => roots)), behind: [...new Set(behind)].sort() }
  }

  #takes(place: Place, version: Version): void {
    const mesh = this.#mesh(place.verifier.mesh)
    const wasCounted = isCounted(place)
    const before = place.runs
    place.runs = version
    if (version === place.wants) {
      place.isLate = false
      // It is back, and has answered.
      mesh.forget(place.verifier.name)
    }
    if (before !== version || wasCounted !== isCounted(place)) this.onChange(place.verifier.mesh)
  }

  #remove(place: Place): void {
    this.#places.delete(place.verifier)
    if (this.#meshes.get(place.verifier.mesh)?.places.delete(place)) this.onChange(place.verifier.mesh)
  }

  /** Those whose time is over are late now; wakes up again for the next one. */
  #expire(mesh: MeshCount): void {
    mesh.timer = null
    const now = this.#clock.monotonic()
    let hasChanged = false
    for (const place of mesh.places) {
      if (!isPending(place) || now - place.since < trustWithinMs) continue
      hasChanged = true
      if (place.isGone) mesh.forget(place.verifier.name)
      else place.isLate = true
    }
    this.#arm(mesh)
    if (hasChanged) this.onChange(mesh.name)
  }

  #arm(mesh: MeshCount): void {
    if (mesh.timer) return
    let earliest = Number.POSITIVE_INFINITY
    for (const place of mesh.places) if (isPending(place)) earliest = Math.min(earliest, place.since)
    if (earliest === Number.POSITIVE_INFINITY) return
    mesh.timer = this.#clock.setTimeout(() => this.#expire(mesh), Math.max(0, earliest + trustWithinMs - this.#clock.monotonic()))
  }

  #mesh(name: string): MeshCount {
    let mesh = this.#meshes.get(name)
    if (!mesh) {
      mesh = new MeshCount(name)
      this.#meshes.set(name, mesh)
    }
    return mesh
  }
}

class MeshCount {
  readonly name: string
  readonly places = new Set<Place>()
  timer: Timer | null = null
  /** Those that somebody wants or runs, and a few more. */
  #versions = new Map<string, Version>()

  constructor(name: string) {
    this.name = name
  }

  /** By name: those that left, and may be on their way back. */
  readonly #gone = new Map<string, Place[]>()

  leave(place: Place): void {
    this.#gone.set(place.verifier.name, [...(this.#gone.get(place.verifier.name) ?? []), place])
  }

  /** false = nobody of that name was gone. */
  forget(name: string): boolean {
    for (const place of this.#gone.get(name) ?? []) this.places.delete(place)
    return this.#gone.delete(name)
  }

  known(id: string): Version | undefined {
    return this.#versions.get(id)
  }

  version(id: string, bundles: readonly TrustPlan[]): Version {
    let version = this.#versions.get(id)
    if (!version) {
      const used = new Set([...this.places].flatMap(place => [place.wants, ...(place.runs ? [place.runs] : [])]))
      version = { id, roots: rootsOf(bundles) }
      this.#versions = new Map([...used, version].map(kept => [kept.id, kept]))
    }
    return version
  }
}

function isCounted(place: Place): boolean {
  return place.runs !== null && !place.isLate
}

function isPending(place: Place): boolean {
  return !place.isLate && (place.isGone || place.runs !== place.wants)
}
