import { isDeepStrictEqual } from 'node:util'
import type { MeshExternalService } from '../model/kinds/mesh-external-service.ts'
import type { MeshService } from '../model/kinds/mesh-service.ts'
import { formatKey } from '../model/resource.ts'
import { compareAge, type NameableService } from './hostname-generator.ts'
import { VipPool } from './vip-pool.ts'
import type { VipRange } from './vip-range.ts'

/** From which range the services of each kind get their addresses. */
export type VipRanges = Readonly<Record<NameableKind, VipRange>>
type NameableKind = 'MeshService' | 'MeshExternalService' | 'MeshMultiZoneService'

/** The virtual address of a service. */
export type Vip =
  | { readonly kind: 'assigned'; readonly ip: string }
  /** Every address of the range is held, or was until a moment ago. */
  | { readonly kind: 'exhausted'; readonly reason: string }

interface Entry {
  readonly service: NameableService
  readonly vip: Vip
}

/**
 * The virtual addresses of a zone's services, of all meshes: none is held by two. What a status has is kept; the older service keeps it
 * where two have the same. Who finds a range exhausted waits for its first free address, the one that waited longest first.
 */
export class VipTable {
  readonly #pools: Readonly<Record<NameableKind, VipPool>>
  readonly #entries = new Map<string, Entry>()
  /** Keys of those that wait, the one that came first before the others. */
  readonly #waiting = new Map<VipPool, Set<string>>()

  constructor(ranges: VipRanges) {
    const { MeshService, MeshExternalService, MeshMultiZoneService } = ranges
    this.#pools = {
      MeshService: new VipPool(MeshService),
      MeshExternalService: new VipPool(MeshExternalService),
      MeshMultiZoneService: new VipPool(MeshMultiZoneService),
    }
  }

  /** What is there at the start: whoever has an address keeps it, and then the others get theirs. */
  restore(services: Iterable<NameableService>, nowMs: number): void {
    const sorted = [...services].sort(compareAge)
    const left = sorted.filter(service => !this.#adopt(service, nowMs, new Set()))
    for (const service of left) this.#take(service, nowMs)
  }

  /** A service came or changed. @returns the keys of the services whose address may be another now. */
  set(service: NameableService, nowMs: number): ReadonlySet<string> {
    const key = formatKey(service)
    const touched = new Set<string>()
    const before = this.#entries.get(key)
    if (this.#adopt(service, nowMs, touched)) {
      if (!isDeepStrictEqual(this.#entries.get(key)!.vip, before?.vip)) touched.add(key)
      return touched
    }
    if (before) this.#entries.set(key, { service, vip: before.vip })
    else this.#take(service, nowMs)
    // Also when it holds one: its status says otherwise.
    touched.add(key)
    return touched
  }

  delete(key: string, nowMs: number): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    this.#entries.delete(key)
    const pool = this.#poolOf(entry.service)
    if (entry.vip.kind === 'assigned') pool.release(entry.vip.ip, nowMs)
    else this.#waiting.get(pool)?.delete(key)
  }

  /** Those that wait, as far as there are addresses now. @returns the keys of those that got one. */
  retry(nowMs: number): ReadonlySet<string> {
    const served = new Set<string>()
    for (const waiting of this.#waiting.values()) {
      for (const key of waiting) {
        if (!this.#take(this.#entries.get(key)!.service, nowMs)) break
        served.add(key)
      }
    }
    return served
  }

  /** When somebody who waits may get an address; null = nobody waits, or there is nothing to wait for. */
  get retryAtMs(): number | null {
    const times = [...this.#waiting].flatMap(([pool, waiting]) => (waiting.size === 0 ? [] : (pool.dueAtMs ?? [])))
    return times.length > 0 ? Math.min(...times) : null
  }

  /** undefined = the service is not in the table. */
  vipOf(key: string): Vip | undefined {
    return this.#entries.get(key)?.vip
  }

  #poolOf({ kind }: NameableService): VipPool {
    return this.#pools[kind as NameableKind]
  }

  /** Takes what the service's status has, if it can be had. */
  #adopt(service: NameableService, nowMs: number, touched: Set<string>): boolean {
    const ip = storedVip(service)
    const pool = this.#poolOf(service)
    if (ip === undefined || !pool.contains(ip)) return false
    const key = formatKey(service)
    const holder = pool.holderOf(ip)
    const rival = holder === undefined || holder === key ? undefined : this.#entries.get(holder)!
    if (rival && compareAge(rival.service, service) < 0) return false
    const before = this.#entries.get(key)
    if (before?.vip.kind === 'assigned' && before.vip.ip !== ip) pool.release(before.vip.ip, nowMs)
    pool.hold(ip, key)
    this.#waiting.get(pool)?.delete(key)
    this.#entries.set(key, { service, vip: { kind: 'assigned', ip } })
    if (rival) {
      this.#take(rival.service, nowMs)
      touched.add(holder!)
    }
    return true
  }

  /** false = there is none, and it waits. */
  #take(service: NameableService, nowMs: number): boolean {
    const key = formatKey(service)
    const pool = this.#poolOf(service)
    const ip = pool.take(key, nowMs)
    if (ip === null) {
      const reason = `no address of ${pool.range.cidr} is free: ${pool.held} of ${pool.size} are held`
      this.#entries.set(key, { service, vip: { kind: 'exhausted', reason } })
      this.#waiting.set(pool, (this.#waiting.get(pool) ?? new Set()).add(key))
      return false
    }
    this.#waiting.get(pool)?.delete(key)
    this.#entries.set(key, { service, vip: { kind: 'assigned', ip } })
    return true
  }
}

/** The address that a service's status has. */
export function storedVip(service: NameableService): string | undefined {
  if (service.kind === 'MeshExternalService') return (service as MeshExternalService).status?.vip?.ip
  return (service as MeshService).status?.vips?.[0]?.ip
}
