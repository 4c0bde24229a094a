import { durationMs } from '../model/duration.ts'
import type { CircuitBreakerConf, ConnectionLimits, OutlierDetection } from '../model/kinds/mesh-circuit-breaker.ts'
import { numberOf } from '../model/schema.ts'
import { perConf } from './settings.ts'

/** What is above is refused at once. null = no limit. */
export interface LimitsPlan {
  readonly maxConnections: number | null
  readonly maxConnectionPools: number | null
  readonly maxPendingRequests: number | null
  readonly maxRequests: number | null
  readonly maxRetries: number | null
}

/** When a host is left out. Counts are of failures in a row; 0 = off. */
export interface OutlierPlan {
  /** Failures to connect, of TLS, of a broken stream, or of an application that was not reached. */
  readonly consecutiveLocal: number
  /** 502, 503, 504 */
  readonly consecutiveGateway: number
  /** 5xx; failures to connect too, unless those are counted apart. */
  readonly consecutive5xx: number
  /** Failures to connect are counted apart from what the application answers. */
  readonly splitsLocal: boolean
  /** Hosts whose success rate is far below the mean; null = off. */
  readonly successRate: { readonly minimumHosts: number; readonly requestVolume: number; readonly deviations: number } | null
  /** Hosts that fail a fixed share; null = off. */
  readonly failurePercentage: { readonly minimumHosts: number; readonly requestVolume: number; readonly percent: number } | null
  readonly intervalMs: number
  readonly baseEjectionMs: number
  readonly maxEjectionMs: number
  readonly maxEjectionPercent: number
}

export interface CircuitBreakerPlan {
  readonly limits: LimitsPlan
  readonly outlier: OutlierPlan
  /** Below this share of healthy hosts (of all priorities) health is ignored. 0–100. */
  readonly panicPercent: number
}

/** https://kuma.io/docs/latest/policies/meshcircuitbreaker/ */
export const planCircuitBreaker = perConf(
  ({ connectionLimits = {}, outlierDetection = {} }: CircuitBreakerConf): CircuitBreakerPlan => ({
    limits: limitsOf(connectionLimits),
    outlier: outlierDetection.disabled ? noOutlier : outlierOf(outlierDetection),
    panicPercent: numberOf(outlierDetection.healthyPanicThreshold ?? 0),
  }),
)

function limitsOf(limits: ConnectionLimits): LimitsPlan {
  return {
    maxConnections: limits.maxConnections ?? null,
    maxConnectionPools: limits.maxConnectionPools ?? null,
    maxPendingRequests: limits.maxPendingRequests ?? null,
    maxRequests: limits.maxRequests ?? null,
    maxRetries: limits.maxRetries ?? null,
  }
}

/** Hosts come back at once the first time and stay out ever longer, up to this. */
const maxEjectionMs = 30_000

/** Envoy's own values where nobody says anything. https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/outlier_detection.proto */
function outlierOf(conf: OutlierDetection): OutlierPlan {
  const { totalFailures, gatewayFailures, localOriginFailures, successRate, failurePercentage } = conf.detectors ?? {}
  const baseEjectionMs = durationMs(conf.baseEjectionTime ?? '30s')
  return {
    consecutiveLocal: localOriginFailures ? (localOriginFailures.consecutive ?? 5) : 0,
    consecutiveGateway: gatewayFailures ? (gatewayFailures.consecutive ?? 5) : 0,
    consecutive5xx: totalFailures ? (totalFailures.consecutive ?? 5) : 0,
    splitsLocal: conf.splitExternalAndLocalErrors ?? false,
    successRate: successRate
      ? {
          minimumHosts: successRate.minimumHosts ?? 5,
          requestVolume: successRate.requestVolume ?? 100,
          deviations: numberOf(successRate.standardDeviationFactor ?? '1.9'),
        }
      : null,
    failurePercentage: failurePercentage
      ? {
          minimumHosts: failurePercentage.minimumHosts ?? 5,
          requestVolume: failurePercentage.requestVolume ?? 50,
          percent: failurePercentage.threshold ?? 85,
        }
      : null,
    intervalMs: durationMs(conf.interval ?? '10s'),
    baseEjectionMs,
    maxEjectionMs: Math.max(baseEjectionMs, maxEjectionMs),
    maxEjectionPercent: conf.maxEjectionPercent ?? 10,
  }
}

const noOutlier: OutlierPlan = {
  consecutiveLocal: 0,
  consecutiveGateway: 0,
  consecutive5xx: 0,
  splitsLocal: false,
  successRate: null,
  failurePercentage: null,
  intervalMs: 10_000,
  baseEjectionMs: 30_000,
  maxEjectionMs: 300_000,
  maxEjectionPercent: 0,
}
