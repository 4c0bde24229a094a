import type { Severity } from '../schema/problem.ts'

/** Every problem that there can be, in the order in which they are shown within their severity. */
export const problemCodes = {
  SKERRY_STORE_FAILED: 'critical',
  SKERRY_STORE_FULL: 'critical',
  SKERRY_STORE_HELD: 'critical',
  SKERRY_AUDIT_BROKEN: 'critical',
  SKERRY_ZONE_SILENT: 'critical',
  SKERRY_SERVICE_UNAVAILABLE: 'critical',
  SKERRY_TRUST_EXPIRED: 'critical',
  SKERRY_PROXY_NACKED: 'critical',
  SKERRY_CERTIFICATE_EXPIRED: 'critical',
  SKERRY_GLOBAL_SILENT: 'warning',
  SKERRY_SERVICE_DEGRADED: 'warning',
  SKERRY_DISCOVERY_HELD: 'warning',
  SKERRY_DISCOVERY_FAILING: 'warning',
  SKERRY_ZONE_LAGGING: 'warning',
  SKERRY_SYNC_REFUSED: 'warning',
  SKERRY_TRUST_DUE: 'warning',
  SKERRY_CERTIFICATE_DUE: 'warning',
  SKERRY_PROXY_STALE: 'warning',
  SKERRY_PROXY_OFFLINE: 'warning',
  SKERRY_INSTANCE_NOT_READY: 'warning',
  SKERRY_SERVICE_EMPTY: 'info',
  SKERRY_ZONE_NEVER_CONNECTED: 'info',
} as const satisfies Readonly<Record<string, Severity>>

export type ProblemCode = keyof typeof problemCodes

const ranks: ReadonlyMap<string, number> = new Map(
  Object.entries(problemCodes).map(([code, severity], index) => [code, ['critical', 'warning', 'info'].indexOf(severity) * 100 + index]),
)

/** The worst first. */
export function rankOf(code: string): number {
  return ranks.get(code) ?? 1_000
}
