import type { ProxyCounts } from '../schema/common.ts'
import type { ServiceCounts } from '../schema/mesh.ts'
import type { ProxyState } from '../schema/proxy.ts'
import type { ServiceRow } from '../schema/service.ts'
import { isVisible, type Visibility } from './table.ts'

type Counts<K extends string> = Record<K, number>

/** Sums by mesh and by zone, kept by adding and taking away. */
export class Tally<K extends string> {
  readonly #zero: () => Counts<K>
  readonly #byMesh = new Map<string, Counts<K>>()
  readonly #byZone = new Map<string, Counts<K>>()

  constructor(zero: () => Counts<K>) {
    this.#zero = zero
  }

  /** @param sign 1 to add, -1 to take away what was added with the same arguments */
  add(sign: 1 | -1, { mesh, zone }: { readonly mesh?: string; readonly zone?: string }, keys: readonly K[]): void {
    if (mesh !== undefined) this.#count(this.#byMesh, mesh, sign, keys)
    if (zone !== undefined) this.#count(this.#byZone, zone, sign, keys)
  }

  ofMesh(mesh: string): Counts<K> {
    return this.#byMesh.get(mesh) ?? this.#zero()
  }

  ofZone(zone: string): Counts<K> {
    return this.#byZone.get(zone) ?? this.#zero()
  }

  sum(visible: Visibility | undefined): Counts<K> {
    const sum = this.#zero()
    for (const [mesh, counts] of this.#byMesh) {
      if (!isVisible(mesh, visible)) continue
      for (const key in counts) sum[key] += counts[key]
    }
    return sum
  }

  #count(table: Map<string, Counts<K>>, group: string, sign: number, keys: readonly K[]): void {
    const counts = { ...(table.get(group) ?? this.#zero()) }
    for (const key of keys) counts[key] += sign
    if (Object.values<number>(counts).every(count => count === 0)) table.delete(group)
    else table.set(group, counts)
  }
}

export function proxyTally(): Tally<keyof ProxyCounts> {
  return new Tally(() => ({ total: 0, synced: 0, stale: 0, nacked: 0, offline: 0, unknown: 0, connected: 0, ready: 0 }))
}

export function proxyKeys(proxy: {
  readonly state: ProxyState
  readonly connected: boolean
  readonly ready: boolean
}): (keyof ProxyCounts)[] {
  const state = proxy.state.toLowerCase() as Lowercase<ProxyState>
  const isTold = proxy.state !== 'UNKNOWN'
  return ['total', state, ...(isTold && proxy.connected ? (['connected'] as const) : []), ...(proxy.ready ? (['ready'] as const) : [])]
}

export function serviceTally(): Tally<keyof ServiceCounts> {
  return new Tally(() => ({ total: 0, available: 0, degraded: 0, unavailable: 0, empty: 0, unknown: 0 }))
}

export function serviceKeys({ state }: Pick<ServiceRow, 'state'>): (keyof ServiceCounts)[] {
  return ['total', state]
}
