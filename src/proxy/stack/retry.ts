import type { Random } from '../../std/random.ts'
import type { RetryRule } from '../compile/table.ts'
import type { Failure } from '../upstream/failure.ts'

/** A failure without an answer, or an answer's status and, of a call of gRPC that has no message to it, that one's. */
export type TryFailure = Failure | { readonly status: number; readonly grpcStatus: number | null }

/** Whether the rule wants another try after this. Says nothing of limits, nor of whether the request can still be repeated. */
export function isRetriable(rule: RetryRule, failure: TryFailure): boolean {
  switch (failure) {
    case 'connect':
      return rule.connectFailure
    case 'refused':
      return rule.refused
    case 'reset':
      return rule.reset
    case 'timeout':
      // As in Envoy: a try that took too long is a gateway error.
      return rule.gatewayError || rule.serverError
    case 'overflow':
      return false
    default: {
      const { status, grpcStatus } = failure
      return (
        rule.statuses.has(status) ||
        (rule.gatewayError && status >= 502 && status <= 504) ||
        (rule.serverError && status >= 500 && status <= 599) ||
        (grpcStatus !== null && rule.grpcStatuses.has(grpcStatus))
      )
    }
  }
}

/** A request that reached no application can be sent elsewhere without adding load to one: only other retries are rationed. */
export function isRationed(failure: TryFailure): boolean {
  return failure !== 'connect' && failure !== 'refused'
}

/** @param retry 1 = the first one, which goes to another host at once */
export function retryDelayMs(rule: RetryRule, retry: number, isSameHost: boolean, random: Random): number {
  const doublings = isSameHost ? retry - 1 : retry - 2
  if (doublings < 0) return 0
  return random.next() * Math.min(rule.backOffMaxMs, rule.backOffBaseMs * 2 ** Math.min(doublings, 20))
}

/** RFC 9110 §9.2.2. */
export function isIdempotent(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'PUT' || method === 'DELETE' || method === 'OPTIONS' || method === 'TRACE'
}
