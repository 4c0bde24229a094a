import type { RetryPolicy } from '../../gen/envoy/config/route/v3/route_components_pb.js'
import type { Reasons } from './compiled.ts'
import type { RetryRule } from './table.ts'
import { durationMs } from './values.ts'

/** What a proxy says when it could not hand a request to the application. */
const refusedHeader = 'x-skerry-refused'

/** Words of `retry_on` that this proxy acts on.
 *  https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#x-envoy-retry-on */
const words = [
  'connect-failure',
  'refused-stream',
  'reset',
  'gateway-error',
  '5xx',
  'retriable-4xx',
  'retriable-headers',
  'retriable-status-codes',
]
/** … and those for statuses of gRPC. https://grpc.io/docs/guides/status-codes/ */
const grpcWords: Readonly<Record<string, number>> = {
  cancelled: 1,
  'deadline-exceeded': 4,
  'resource-exhausted': 8,
  internal: 13,
  unavailable: 14,
}

export function compileRetry(policy: RetryPolicy | undefined, path: string, reasons: Reasons): RetryRule | null {
  if (policy === undefined) return null
  const on = new Set(
    policy.retryOn
      .split(',')
      .map(word => word.trim())
      .filter(word => word !== ''),
  )
  for (const word of on)
    if (!words.includes(word) && grpcWords[word] === undefined)
      reasons.add(`${path}.retry_on`, `${JSON.stringify(word)} is not supported by this proxy`)
  for (const [index, predicate] of policy.retryHostPredicate.entries()) {
    if (predicate.name !== 'envoy.retry_host_predicates.previous_hosts')
      reasons.add(`${path}.retry_host_predicate[${index}]`, `${predicate.name} is not supported by this proxy`)
  }
  if (policy.retryPriority && policy.retryPriority.name !== 'envoy.retry_priorities.previous_priorities') {
    reasons.add(`${path}.retry_priority`, `${policy.retryPriority.name} is not supported by this proxy`)
  }
  const attempts = policy.numRetries ?? 1
  if (attempts === 0 || on.size === 0) return null

  // A response that never came counts as a 503 in Envoy, so its words for statuses include a broken stream, and that one a failed connect.
  const reset = on.has('reset') || on.has('5xx') || on.has('gateway-error')
  const refusedAnswer = on.has('retriable-headers') && hasRefused(policy, path, reasons)
  const statuses = new Set(on.has('retriable-status-codes') ? policy.retriableStatusCodes : [])
  if (on.has('retriable-4xx')) statuses.add(409)
  const backOffBaseMs = durationMs(policy.retryBackOff?.baseInterval) ?? 25
  return {
    attempts,
    connectFailure: on.has('connect-failure') || reset,
    refused: on.has('refused-stream') || refusedAnswer || reset,
    reset,
    gatewayError: on.has('gateway-error'),
    serverError: on.has('5xx'),
    statuses,
    grpcStatuses: new Set([...on].flatMap(word => grpcWords[word] ?? [])),
    perTryTimeoutMs: durationMs(policy.perTryTimeout) || null,
    backOffBaseMs,
    backOffMaxMs: durationMs(policy.retryBackOff?.maxInterval) ?? backOffBaseMs * 10,
  }
}

/** Of all response headers only that one means something to this proxy. */
function hasRefused(policy: RetryPolicy, path: string, reasons: Reasons): boolean {
  let found = false
  for (const [index, { name, headerMatchSpecifier, invertMatch }] of policy.retriableHeaders.entries()) {
    const present = headerMatchSpecifier.case === undefined || (headerMatchSpecifier.case === 'presentMatch' && headerMatchSpecifier.value)
    if (name.toLowerCase() === refusedHeader && present && !invertMatch) found = true
    else reasons.add(`${path}.retriable_headers[${index}]`, `only the presence of ${refusedHeader} is supported by this proxy`)
  }
  return found
}
