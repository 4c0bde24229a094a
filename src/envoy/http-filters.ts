import type { MessageInitShape } from '@bufbuild/protobuf'
import { HeaderValueOption_HeaderAppendAction as AppendAction } from '../gen/envoy/config/core/v3/base_pb.js'
import type { FilterSchema } from '../gen/envoy/config/listener/v3/listener_components_pb.js'
import { HTTPFaultSchema } from '../gen/envoy/extensions/filters/http/fault/v3/fault_pb.js'
import { LocalRateLimitSchema as HttpLocalRateLimitSchema } from '../gen/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb.js'
import type { HttpFilterSchema } from '../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
import { LocalRateLimitSchema as TcpLocalRateLimitSchema } from '../gen/envoy/extensions/filters/network/local_ratelimit/v3/local_rate_limit_pb.js'
import type { FractionalPercentSchema } from '../gen/envoy/type/v3/percent_pb.js'
import { FractionalPercent_DenominatorType } from '../gen/envoy/type/v3/percent_pb.js'
import type { FaultPlan } from '../policy/mesh-fault-injection.ts'
import type { Rate, RateLimitPlan } from '../policy/mesh-rate-limit.ts'
import { duration, typedConfig } from './messages.ts'

type HttpFilter = MessageInitShape<typeof HttpFilterSchema>

/** https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/local_rate_limit_filter */
export function httpRateLimit(limit: RateLimitPlan | null | undefined): HttpFilter[] {
  if (!limit?.http) return []
  const { status, set, add } = limit.http
  const always = { defaultValue: percent(100) }
  return [
    {
      name: 'envoy.filters.http.local_ratelimit',
      configType: typedConfig(HttpLocalRateLimitSchema, {
        statPrefix: 'rate_limit',
        status: { code: status },
        tokenBucket: tokenBucket(limit.http),
        filterEnabled: always,
        filterEnforced: always,
        responseHeadersToAdd: [
          ...set.map(({ name, value }) => ({ header: { key: name, value }, appendAction: AppendAction.OVERWRITE_IF_EXISTS_OR_ADD })),
          ...add.map(({ name, value }) => ({ header: { key: name, value }, appendAction: AppendAction.APPEND_IF_EXISTS_OR_ADD })),
        ],
      }),
    },
  ]
}

/** https://www.envoyproxy.io/docs/envoy/latest/configuration/listeners/network_filters/local_rate_limit_filter */
export function tcpRateLimit(limit: RateLimitPlan | null | undefined, statPrefix: string): MessageInitShape<typeof FilterSchema>[] {
  if (!limit?.tcp) return []
  const configType = typedConfig(TcpLocalRateLimitSchema, { statPrefix, tokenBucket: tokenBucket(limit.tcp) })
  return [{ name: 'envoy.filters.network.local_ratelimit', configType }]
}

/** One filter a fault, each with a chance of its own. https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/fault_filter */
export function httpFaults(faults: readonly FaultPlan[]): HttpFilter[] {
  return faults.map(({ abort, delay, bandwidth }) => ({
    name: 'envoy.filters.http.fault',
    configType: typedConfig(HTTPFaultSchema, {
      ...(abort ? { abort: { errorType: { case: 'httpStatus', value: abort.status }, percentage: percent(abort.percent) } } : {}),
      ...(delay
        ? {
            delay: {
              faultDelaySecifier: { case: 'fixedDelay', value: duration(delay.ms) },
              percentage: percent(delay.percent),
            },
          }
        : {}),
      ...(bandwidth
        ? {
            responseRateLimit: {
              limitType: { case: 'fixedLimit', value: { limitKbps: BigInt(Math.max(1, Math.round(bandwidth.kilobitsPerSecond / 8))) } },
              percentage: percent(bandwidth.percent),
            },
          }
        : {}),
    }),
  }))
}

function tokenBucket({ count, intervalMs }: Rate) {
  return { maxTokens: count, tokensPerFill: count, fillInterval: duration(intervalMs) }
}

/** Ten thousandths of a per cent are as fine as Envoy goes. */
export function percent(value: number): MessageInitShape<typeof FractionalPercentSchema> {
  return Number.isInteger(value)
    ? { numerator: value, denominator: FractionalPercent_DenominatorType.HUNDRED }
    : { numerator: Math.round(value * 10_000), denominator: FractionalPercent_DenominatorType.MILLION }
}
