import { durationMs } from '../model/duration.ts'
import type { RateLimitConf } from '../model/kinds/mesh-rate-limit.ts'

/** What one proxy lets through, counted by itself. null = no limit. */
export interface RateLimitPlan {
  readonly http: HttpRateLimit | null
  /** New connections. */
  readonly tcp: Rate | null
}

export interface Rate {
  readonly count: number
  readonly intervalMs: number
}

export interface HttpRateLimit extends Rate {
  /** Of the answer to what is too much, and what its head carries. */
  readonly status: number
  readonly set: readonly { readonly name: string; readonly value: string }[]
  readonly add: readonly { readonly name: string; readonly value: string }[]
}

/** null = nothing is limited. https://kuma.io/docs/latest/policies/meshratelimit/ */
export function planRateLimit({ local = {} }: RateLimitConf): RateLimitPlan | null {
  const { http, tcp } = local
  const plan: RateLimitPlan = {
    http: http?.requestRate && !http.disabled ? { ...rateOf(http.requestRate), ...answerOf(http.onRateLimit) } : null,
    tcp: tcp?.connectionRate && !tcp.disabled ? rateOf(tcp.connectionRate) : null,
  }
  return plan.http || plan.tcp ? plan : null
}

function rateOf({ num, interval }: { readonly num: number; readonly interval: string }): Rate {
  return { count: num, intervalMs: durationMs(interval) }
}

type OnRateLimit = NonNullable<NonNullable<NonNullable<RateLimitConf['local']>['http']>['onRateLimit']>

function answerOf({ status = 429, headers = {} }: OnRateLimit = {}): Omit<HttpRateLimit, keyof Rate> {
  return { status, set: headers.set ?? [], add: headers.add ?? [] }
}
