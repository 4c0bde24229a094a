import { isObject } from '../../model/is-object.ts'
import { intOrString, type Move } from './move-fields.ts'

/** The legacy policies about what goes out, and where the fields of their `conf` stand in their successors. */
export const outboundPolicies: Readonly<Record<string, { readonly kind: string; readonly moves: readonly Move[] }>> = {
  Timeout: {
    kind: 'MeshTimeout',
    moves: [
      { from: 'connectTimeout', to: 'connectionTimeout' },
      { from: 'http.idleTimeout', to: 'idleTimeout' },
      { from: 'tcp.idleTimeout', to: 'idleTimeout' },
      { from: 'http.requestTimeout', to: 'http.requestTimeout' },
      { from: 'http.streamIdleTimeout', to: 'http.streamIdleTimeout' },
      { from: 'http.maxStreamDuration', to: 'http.maxStreamDuration' },
      { from: 'grpc.streamIdleTimeout', to: 'http.streamIdleTimeout' },
      { from: 'grpc.maxStreamDuration', to: 'http.maxStreamDuration' },
    ],
  },
  CircuitBreaker: {
    kind: 'MeshCircuitBreaker',
    moves: [
      ...same('outlierDetection', 'interval', 'baseEjectionTime', 'maxEjectionPercent', 'splitExternalAndLocalErrors'),
      { from: 'detectors.totalErrors', to: 'outlierDetection.detectors.totalFailures' },
      { from: 'detectors.gatewayErrors', to: 'outlierDetection.detectors.gatewayFailures' },
      { from: 'detectors.localErrors', to: 'outlierDetection.detectors.localOriginFailures' },
      ...['requestVolume', 'minimumHosts'].map(field => ({
        from: `detectors.standardDeviation.${field}`,
        to: `outlierDetection.detectors.successRate.${field}`,
      })),
      {
        from: 'detectors.standardDeviation.factor',
        to: 'outlierDetection.detectors.successRate.standardDeviationFactor',
        value: intOrString,
      },
      { from: 'detectors.standardDeviation', to: 'outlierDetection.detectors.successRate', value: onlyEmpty },
      { from: 'detectors.failure', to: 'outlierDetection.detectors.failurePercentage' },
      ...['maxConnections', 'maxPendingRequests', 'maxRetries', 'maxRequests'].map(field => ({
        from: `thresholds.${field}`,
        to: `connectionLimits.${field}`,
      })),
    ],
  },
  HealthCheck: {
    kind: 'MeshHealthCheck',
    moves: [
      ...['interval', 'timeout', 'unhealthyThreshold', 'healthyThreshold', 'initialJitter', 'intervalJitter', 'intervalJitterPercent'].map(
        at,
      ),
      ...['failTrafficOnPanic', 'eventLogPath', 'alwaysLogHealthCheckFailures', 'noTrafficInterval', 'reuseConnection'].map(at),
      ...['tcp.send', 'tcp.receive', 'http.path', 'http.expectedStatuses'].map(at),
      { from: 'tcp', to: 'tcp', value: onlyEmpty },
      { from: 'http.requestHeadersToAdd', to: 'http.requestHeadersToAdd', value: headersToAdd },
    ],
  },
  Retry: {
    kind: 'MeshRetry',
    moves: [
      ...['http', 'grpc'].flatMap(protocol =>
        ['numRetries', 'perTryTimeout', 'backOff.baseInterval', 'backOff.maxInterval'].map(field => at(`${protocol}.${field}`)),
      ),
      { from: 'tcp.maxConnectAttempts', to: 'tcp.maxConnectAttempt' },
    ],
  },
}

/** Conditions of a Retry, by the names that they had. */
export const retryConditions: Readonly<Record<string, string>> = {
  all_5xx: '5XX',
  gateway_error: 'GatewayError',
  reset: 'Reset',
  connect_failure: 'ConnectFailure',
  envoy_ratelimited: 'EnvoyRatelimited',
  retriable_4xx: 'Retriable4xx',
  refused_stream: 'RefusedStream',
  http3_post_connect_failure: 'Http3PostConnectFailure',
  cancelled: 'Canceled',
  deadline_exceeded: 'DeadlineExceeded',
  internal: 'Internal',
  resource_exhausted: 'ResourceExhausted',
  unavailable: 'Unavailable',
}

export const faultMoves: readonly Move[] = [
  { from: 'abort.httpStatus', to: 'abort.httpStatus' },
  { from: 'abort.percentage', to: 'abort.percentage', value: intOrString },
  { from: 'delay.value', to: 'delay.value' },
  { from: 'delay.percentage', to: 'delay.percentage', value: intOrString },
  { from: 'responseBandwidth.limit', to: 'responseBandwidth.limit', value: bandwidth },
  { from: 'responseBandwidth.percentage', to: 'responseBandwidth.percentage', value: intOrString },
]

export const rateLimitMoves: readonly Move[] = [
  { from: 'http.requests', to: 'local.http.requestRate.num' },
  { from: 'http.interval', to: 'local.http.requestRate.interval' },
  { from: 'http.onRateLimit.status', to: 'local.http.onRateLimit.status' },
  { from: 'http.onRateLimit.headers', to: 'local.http.onRateLimit.headers', value: headersToAdd },
]

function at(field: string): Move {
  return { from: field, to: field }
}

function same(under: string, ...fields: readonly string[]): Move[] {
  return fields.map(field => ({ from: field, to: `${under}.${field}` }))
}

/** For an object whose members are moved one by one: only an empty one is moved as it is. */
function onlyEmpty(value: unknown): unknown {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0 ? value : undefined
}

interface Header {
  readonly key?: string
  readonly value?: string
  readonly append?: boolean
  readonly header?: { readonly key?: string; readonly value?: string }
}

/** `{key, value, append}`; those of health checks have the first two under `header`, and were appended unless they said otherwise. */
function headersToAdd(value: unknown): unknown {
  if (!Array.isArray(value)) return undefined
  const headers = (value as readonly Header[]).flatMap(item => {
    if (!isObject(item)) return []
    const { header, append = header !== undefined, key, value } = item as Header
    return [{ append, name: String(header?.key ?? key ?? '').toLowerCase(), value: header?.value ?? value ?? '' }]
  })
  const of = (append: boolean) => headers.filter(it => it.append === append).map(({ name, value }) => ({ name, value }))
  const [set, add] = [of(false), of(true)]
  return { ...(set.length > 0 ? { set } : {}), ...(add.length > 0 ? { add } : {}) }
}

/** `50mbps` → `50Mbps`. */
function bandwidth(value: unknown): unknown {
  const spelling: Readonly<Record<string, string>> = { g: 'G', m: 'M', k: 'k' }
  return String(value).replace(/([gmk])bps$/i, (_, unit: string) => `${spelling[unit.toLowerCase()]}bps`)
}
