import type { CircuitBreakerConf } from '../model/kinds/mesh-circuit-breaker.ts'
import type { LoadBalancingConf } from '../model/kinds/mesh-load-balancing-strategy.ts'
import type { PassthroughConf } from '../model/kinds/mesh-passthrough.ts'
import type { RetryConf } from '../model/kinds/mesh-retry.ts'
import type { TimeoutConf } from '../model/kinds/mesh-timeout.ts'
import type { TlsConf } from '../model/kinds/mesh-tls.ts'
import type { LocalityPlan } from './plan.ts'

/** What proxies do when no policy says otherwise, in the words of the policies; docs/decisions/defaults-without-a-policy.md says why each value
 *  is safe. A policy overrides what it sets, and leaves the rest. */

/** The connect timeout is long enough for a handshake across continents between busy machines, and short enough that a host that answers
 *  nothing costs one request little. */
export const defaultTimeouts: TimeoutConf = {
  connectionTimeout: '2s',
  idleTimeout: '1h',
  http: {
    requestTimeout: '0s',
    streamIdleTimeout: '0s',
    maxStreamDuration: '0s',
    maxConnectionDuration: '0s',
    requestHeadersTimeout: '0s',
  },
}

/** On another host first, then in another priority. What may have reached the application is repeated only where that is safe. */
export const defaultRetries: RetryConf = {
  tcp: { maxConnectAttempt: 3 },
  http: {
    numRetries: 3,
    retryOn: ['ConnectFailure', 'RefusedStream', 'Reset'],
    backOff: { baseInterval: '25ms', maxInterval: '250ms' },
    hostSelection: [{ predicate: 'OmitPreviousHosts' }, { predicate: 'OmitPreviousPriorities', updateFrequency: 1 }],
    hostSelectionMaxAttempts: 5,
  },
  grpc: { numRetries: 3, backOff: { baseInterval: '25ms', maxInterval: '250ms' } },
}

/** Whoever cannot be reached is left out at the first failure, shortly at first. Health is believed until nothing is healthy: a last try at
 *  a host that is left out is better than none. */
export const defaultCircuitBreaker: CircuitBreakerConf = {
  connectionLimits: { maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 4096, maxRetries: 128 },
  outlierDetection: {
    interval: '1s',
    baseEjectionTime: '1s',
    maxEjectionPercent: 100,
    splitExternalAndLocalErrors: true,
    healthyPanicThreshold: 0,
    detectors: { localOriginFailures: { consecutive: 1 }, gatewayFailures: { consecutive: 5 } },
  },
}

/** For what comes in: one host, the application beside the proxy, that there is nothing instead of. */
export const defaultInboundCircuitBreaker: CircuitBreakerConf = {
  connectionLimits: defaultCircuitBreaker.connectionLimits!,
  outlierDetection: { disabled: true },
}

export const defaultLoadBalancing: LoadBalancingConf = { loadBalancer: { type: 'LeastRequest', leastRequest: { choiceCount: 2 } } }

export const defaultLocality: LocalityPlan = { ignoreZones: false, affinity: [], failover: null, overprovisioning: 140, exact: false }

export const defaultTls: TlsConf = { mode: 'Strict', tlsVersion: { min: 'TLS12', max: 'TLSAuto' } }

export const defaultPassthrough: PassthroughConf = { passthroughMode: 'None' }

/** An instance that came back gets its full share after so long. ms */
export const slowStartMs = 10_000
