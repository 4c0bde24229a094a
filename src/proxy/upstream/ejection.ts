import type { ClusterTable } from '../compile/table.ts'

export type OutlierRules = NonNullable<ClusterTable['outlier']>

/**
 * How a request fared with a host. `local`: no answer of the application at all (not connected, wrong identity, broken, timed out, refused
 * by the host's proxy). `gateway`: 502, 503, 504. `server`: any other 5xx.
 */
export type Outcome = 'success' | 'server' | 'gateway' | 'local'

/** A host's record. Times are of the monotonic clock, ms.
 *  https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier */
export class Ejection {
  /** 0 = not ejected. */
  untilMs = 0
  #sinceMs = 0
  #endedMs = 0
  #times = 0
  #local = 0
  #gateway = 0
  #server = 0

  get isEjected(): boolean {
    return this.untilMs !== 0
  }

  /** True: the record says that the host should be ejected. */
  record(outcome: Outcome, rules: OutlierRules): boolean {
    if (outcome === 'local') {
      this.#local++
      return rules.consecutiveLocal > 0 && this.#local >= rules.consecutiveLocal
    }
    this.#local = 0
    if (outcome === 'success') {
      this.#gateway = this.#server = 0
      return false
    }
    this.#server++
    if (outcome === 'gateway') this.#gateway++
    else this.#gateway = 0
    return (
      (rules.consecutiveGateway > 0 && this.#gateway >= rules.consecutiveGateway) ||
      (rules.consecutive5xx > 0 && this.#server >= rules.consecutive5xx)
    )
  }

  /** Each ejection is longer than the one before; quiet intervals in between make up for it. */
  eject(now: number, rules: OutlierRules): void {
    if (this.#endedMs > 0) this.#times = Math.max(0, this.#times - Math.floor((now - this.#endedMs) / Math.max(1, rules.intervalMs)))
    this.#times++
    this.#sinceMs = now
    this.untilMs = now + Math.min(rules.baseEjectionMs * this.#times, Math.max(rules.maxEjectionMs, rules.baseEjectionMs))
  }

  /** Back in rotation; the next failures count from 0. */
  end(now: number): void {
    this.untilMs = 0
    this.#endedMs = now
    this.#local = this.#gateway = this.#server = 0
  }

  /** Whether something that began at `startedMs` says anything about the time after the ejection. */
  isNewsFrom(startedMs: number): boolean {
    return startedMs > this.#sinceMs
  }
}

/** Another one may be ejected while fewer than the limit are; so one always may. */
export function mayEject(ejected: number, hosts: number, rules: OutlierRules): boolean {
  return hosts > 0 && (ejected / hosts) * 100 < rules.maxEjectionPercent
}
