import type { Random } from '../../std/random.ts'
import type { RetryRule } from '../compile/table.ts'
import type { Failure } from '../upstream/failure.ts'

/** A failure without an answer, or the status of an answer. */
export type TryFailure = Failure | number

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
    default:
      return (
        rule.statuses.has(failure) ||
        (rule.gatewayError && failure >= 502 && failure <= 504) ||
        (rule.serverError && failure >= 500 && failure <= 599)
      )
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
