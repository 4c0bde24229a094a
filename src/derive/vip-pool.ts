import { formatIpv4, parseIpv4, rangeSize, type VipRange } from './vip-range.ts'

/** How long an address of a deleted service is left alone: callers may have it in a cache, and would reach a stranger. */
export const reuseAfterMs = 3_600_000

/**
 * The addresses of a range, each held by one at a time. The next that was never held comes first; one that was given back comes when
 * there is no other, and only `reuseAfterMs` after that. What was given back before a restart is not remembered.
 */
export class VipPool {
  readonly range: VipRange
  /** Address → who holds it. */
  readonly #holders = new Map<number, string>()
  /** Address → when it was given back, the oldest first. */
  readonly #released = new Map<number, number>()
  #next: number

  constructor(range: VipRange) {
    this.range = range
    this.#next = range.first
  }

  get held(): number {
    return this.#holders.size
  }

  get size(): number {
    return rangeSize(this.range)
  }

  /** undefined = nobody. */
  holderOf(ip: string): string | undefined {
    const number = parseIpv4(ip)
    return number === null ? undefined : this.#holders.get(number)
  }

  contains(ip: string): boolean {
    const number = parseIpv4(ip)
    return number !== null && number >= this.range.first && number <= this.range.last
  }

  /** A certain address, which `contains` and nobody holds. */
  hold(ip: string, holder: string): void {
    const number = parseIpv4(ip)!
    this.#released.delete(number)
    this.#holders.set(number, holder)
  }

  /** The next free address; null = there is none now. `nowMs` is a clock's that never goes back. */
  take(holder: string, nowMs: number): string | null {
    const number = this.#fresh() ?? this.#due(nowMs)
    if (number === null) return null
    this.#released.delete(number)
    this.#holders.set(number, holder)
    return formatIpv4(number)
  }

  release(ip: string, nowMs: number): void {
    const number = parseIpv4(ip)
    if (number === null || !this.#holders.delete(number)) return
    this.#released.set(number, nowMs)
  }

  /** When the first address that was given back may be taken again; null = none was. */
  get dueAtMs(): number | null {
    const [releasedAtMs] = this.#released.values()
    return releasedAtMs === undefined ? null : releasedAtMs + reuseAfterMs
  }

  #fresh(): number | null {
    for (; this.#next <= this.range.last; this.#next++) {
      if (!this.#holders.has(this.#next) && !this.#released.has(this.#next)) return this.#next
    }
    return null
  }

  #due(nowMs: number): number | null {
    const [oldest] = this.#released
    return oldest !== undefined && nowMs - oldest[1] >= reuseAfterMs ? oldest[0] : null
  }
}
