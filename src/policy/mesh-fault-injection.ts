import { durationMs } from '../model/duration.ts'
import type { FaultInjectionConf } from '../model/kinds/mesh-fault-injection.ts'
import { numberOf } from '../model/schema.ts'

/** What is done to some requests on purpose. Percentages are of all requests that the fault is for. */
export interface FaultPlan {
  readonly abort: { readonly status: number; readonly percent: number } | null
  readonly delay: { readonly ms: number; readonly percent: number } | null
  readonly bandwidth: { readonly kilobitsPerSecond: number; readonly percent: number } | null
}

/** In the order written; each has a chance of its own. https://kuma.io/docs/latest/policies/meshfaultinjection/ */
export function planFaults({ http = [] }: FaultInjectionConf): FaultPlan[] {
  return http.map(({ abort, delay, responseBandwidth }) => ({
    abort: abort ? { status: abort.httpStatus, percent: numberOf(abort.percentage) } : null,
    delay: delay ? { ms: durationMs(delay.value), percent: numberOf(delay.percentage) } : null,
    bandwidth: responseBandwidth
      ? { kilobitsPerSecond: kilobits(responseBandwidth.limit), percent: numberOf(responseBandwidth.percentage) }
      : null,
  }))
}

const kilobitsIn: Readonly<Record<string, number>> = { kbps: 1, mbps: 1000, gbps: 1_000_000 }

/** `50kbps`, `1 Mbps`, `1Gbps`; its schema and check have let nothing else through. */
function kilobits(text: string): number {
  const [, count = '0', unit = 'kbps'] = /^\s*([0-9]*)\s*([gmk]bps)\s*$/i.exec(text) ?? []
  return Number(count) * kilobitsIn[unit.toLowerCase()]!
}
