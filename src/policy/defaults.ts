import type { LimitsPlan, LocalityPlan, OutlierPlan, RetryPlan } from './plan.ts'

/** What proxies do when no policy says otherwise; docs/decisions/defaults-without-a-policy.md says why each value is safe. */

/** Long enough for a handshake across continents between busy machines, short enough that a host that answers nothing costs one request little. */
export const defaultConnectTimeoutMs = 2000

export const defaultIdleTimeoutMs = 60 * 60 * 1000

export const defaultSlowStartMs = 10_000

/** Health is believed until nothing is healthy: a last try at an ejected host is better than none. */
export const defaultPanicPercent = 0

export const defaultRetry: RetryPlan = {
  attempts: 3,
  on: ['connect-failure', 'refused-stream', 'reset', 'retriable-headers'],
  onUnsafe: ['connect-failure', 'refused-stream', 'retriable-headers'],
  perTryTimeoutMs: null,
  backOffBaseMs: 25,
  backOffMaxMs: 250,
  origin: 'default',
}

export const defaultOutlier: OutlierPlan = {
  consecutiveLocal: 1,
  consecutiveGateway: 5,
  consecutive5xx: 0,
  intervalMs: 1000,
  baseEjectionMs: 1000,
  maxEjectionMs: 30_000,
  maxEjectionPercent: 100,
}

export const defaultLimits: LimitsPlan = { maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 4096, maxRetries: 128 }

export const defaultLocality: LocalityPlan = { ignoreZones: false, affinity: [], failover: null, overprovisioning: 140 }
