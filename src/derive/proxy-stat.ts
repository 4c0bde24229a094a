import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { DataplaneInsightSpec } from '../model/kinds/dataplane-insight.ts'
import { isOpen } from '../model/kinds/insight.ts'
import type { ProxyStat } from '../model/kinds/mesh-insight.ts'

/** A proxy in Kuma's words: `partiallyDegraded` = connected, but some of its inbounds get no traffic. */
export type ProxyStatus = 'online' | 'offline' | 'partiallyDegraded'

/** A Dataplane together with what is known of its proxy; undefined = it never connected. */
export interface KnownProxy {
  readonly dataplane: Dataplane
  readonly insight: DataplaneInsightSpec | undefined
}

export function proxyStatus({ dataplane, insight }: KnownProxy): ProxyStatus {
  if (!insight?.subscriptions?.some(isOpen)) return 'offline'
  const ready = insight.readiness?.map(inbound => inbound.ready) ?? statesOf(dataplane)
  if (ready.every(Boolean)) return 'online'
  return ready.some(Boolean) ? 'partiallyDegraded' : 'offline'
}

/** What the Dataplane itself says, where no agent reports. */
function statesOf({ spec }: Dataplane): readonly boolean[] {
  return (spec.networking.inbound ?? []).map(inbound => (inbound.state ?? 'Ready') !== 'NotReady')
}

/** Numbers of proxies. As in Kuma a zero is not written. */
export function countProxyStates(proxies: Iterable<KnownProxy>): ProxyStat {
  const counts = { total: 0, online: 0, offline: 0, partiallyDegraded: 0 }
  for (const proxy of proxies) {
    counts.total++
    counts[proxyStatus(proxy)]++
  }
  return withoutZeros(counts)
}

export function withoutZeros<T extends Readonly<Record<string, number>>>(counts: T): Partial<T> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0)) as Partial<T>
}

/** A gateway of any sort. */
export function isGateway({ dataplane }: KnownProxy): boolean {
  return dataplane.spec.networking.gateway !== undefined
}
