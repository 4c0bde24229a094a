import { isNameable, type NameableService, nameableKinds } from '../derive/hostname-generator.ts'
import { overlap, parseVipRange } from '../derive/vip-range.ts'
import { type Vip, type VipRanges, VipTable } from '../derive/vip-table.ts'
import { formatKey } from '../model/resource.ts'
import type { ChangeBatch } from '../registry/change-batch.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock, Timer } from '../std/clock.ts'
import type { Log } from '../std/log.ts'

/** The ranges of the settings `--vip-cidr-…`. */
export interface VipCidrs {
  readonly vipCidrMeshService: string
  readonly vipCidrMeshExternalService: string
  readonly vipCidrMeshMultiZoneService: string
}

/** Kuma's. Nobody routes them: they are of class E. */
export const defaultVipCidrs: VipCidrs = {
  vipCidrMeshService: '241.0.0.0/8',
  vipCidrMeshExternalService: '242.0.0.0/8',
  vipCidrMeshMultiZoneService: '243.0.0.0/8',
}

/** The ranges for virtual addresses cannot be used. */
export class VipRangeError extends Error {
  override name = 'VipRangeError'
  readonly code = 'SKERRY_VIP_RANGE'
}

/** Throws VipRangeError for what is no range of IPv4, and for two that share addresses. */
export function vipRanges(cidrs: VipCidrs): VipRanges {
  const ranges = {
    MeshService: rangeOf('--vip-cidr-mesh-service', cidrs.vipCidrMeshService),
    MeshExternalService: rangeOf('--vip-cidr-mesh-external-service', cidrs.vipCidrMeshExternalService),
    MeshMultiZoneService: rangeOf('--vip-cidr-mesh-multi-zone-service', cidrs.vipCidrMeshMultiZoneService),
  }
  const all = Object.values(ranges)
  for (const [index, range] of all.entries()) {
    const other = all.slice(0, index).find(earlier => overlap(earlier, range))
    if (other) throw new VipRangeError(`the ranges ${other.cidr} and ${range.cidr} share addresses: give each kind of service its own`)
  }
  return ranges
}

interface Options {
  readonly registry: Registry
  readonly ranges: VipRanges
  readonly clock: Clock
  readonly log: Log
}

/** The virtual addresses of the registry's services, as this zone gives them out. They are remembered in the statuses of the services. */
export class Vips {
  readonly #clock: Clock
  readonly #log: Log
  readonly #table: VipTable
  readonly #unsubscribe: () => void
  #retry: Timer | null = null
  readonly #listeners = new Set<(keys: ReadonlySet<string>) => void>()

  constructor({ registry, ranges, clock, log }: Options) {
    this.#clock = clock
    this.#log = log
    this.#table = new VipTable(ranges)
    this.#table.restore(
      nameableKinds.flatMap(kind => registry.list<NameableService>(kind)),
      clock.monotonic(),
    )
    this.#unsubscribe = registry.onChange(batch => this.#onBatch(batch))
    this.#wait()
  }

  close(): void {
    this.#unsubscribe()
    this.#retry?.cancel()
    this.#listeners.clear()
  }

  /** Told the keys (`formatKey`) of services whose address may be another now, or is not in their status. @returns what ends it. */
  onChange(listener: (keys: ReadonlySet<string>) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** undefined = no such service. */
  of(key: string): Vip | undefined {
    return this.#table.vipOf(key)
  }

  #onBatch({ changes }: ChangeBatch): void {
    const touched = new Set<string>()
    for (const change of changes) {
      if (change.kind === 'delete') this.#table.delete(formatKey(change.key), this.#clock.monotonic())
      else if (isNameable(change.resource)) {
        const isNew = this.#table.vipOf(formatKey(change.resource)) === undefined
        for (const key of this.#table.set(change.resource, this.#clock.monotonic())) touched.add(key)
        if (isNew) this.#warnWithout(change.resource)
      }
    }
    this.#wait()
    this.#tell(touched)
  }

  #tell(keys: ReadonlySet<string>): void {
    if (keys.size > 0) for (const listener of this.#listeners) listener(keys)
  }

  #warnWithout(service: NameableService): void {
    const vip = this.#table.vipOf(formatKey(service))
    if (vip?.kind !== 'exhausted') return
    const { kind, mesh, name } = service
    this.#log.warn('a service has no virtual address: widen the range', { kind, mesh, service: name, reason: vip.reason })
  }

  /** Whoever has none gets one as soon as one may be given again. */
  #wait(): void {
    this.#retry?.cancel()
    const at = this.#table.retryAtMs
    this.#retry = at === null ? null : this.#clock.setTimeout(() => this.#serve(), Math.max(0, at - this.#clock.monotonic()))
  }

  #serve(): void {
    const served = this.#table.retry(this.#clock.monotonic())
    this.#wait()
    this.#tell(served)
  }
}

function rangeOf(flag: string, text: string) {
  const range = parseVipRange(text)
  if (!range) throw new VipRangeError(`${flag} ${JSON.stringify(text)} is no range of IPv4 addresses such as 241.0.0.0/8`)
  return range
}
