import { durationMs } from '../model/duration.ts'
import type { HealthCheckConf } from '../model/kinds/mesh-health-check.ts'

/** How a caller's proxy asks each host whether it is well. */
export interface HealthCheckPlan {
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly unhealthyThreshold: number
  readonly healthyThreshold: number
  readonly initialJitterMs: number
  readonly intervalJitterMs: number
  readonly intervalJitterPercent: number
  readonly noTrafficIntervalMs: number
  readonly failTrafficOnPanic: boolean
  readonly eventLogPath: string | null
  readonly alwaysLogFailures: boolean
  readonly reuseConnection: boolean
  readonly check: HealthCheckMethod
}

export type HealthCheckMethod =
  /** Pieces are base64; without `send` connecting is enough. */
  | { readonly type: 'tcp'; readonly send: string | null; readonly receive: readonly string[] }
  | {
      readonly type: 'http'
      readonly path: string
      readonly statuses: readonly number[]
      readonly set: readonly { readonly name: string; readonly value: string }[]
      readonly add: readonly { readonly name: string; readonly value: string }[]
    }
  /** https://github.com/grpc/grpc/blob/master/doc/health-checking.md */
  | { readonly type: 'grpc'; readonly serviceName: string; readonly authority: string }

/** As the destination speaks: gRPC for gRPC, HTTP for HTTP, each if it is configured, else TCP. null = nothing is asked.
 *  https://kuma.io/docs/latest/policies/meshhealthcheck/ */
export function planHealthCheck(conf: HealthCheckConf | null, protocol: 'tcp' | 'http' | 'grpc'): HealthCheckPlan | null {
  const check = conf && methodOf(conf, protocol)
  if (!conf || !check) return null
  return {
    intervalMs: durationMs(conf.interval ?? '1m'),
    timeoutMs: durationMs(conf.timeout ?? '15s'),
    unhealthyThreshold: conf.unhealthyThreshold ?? 5,
    healthyThreshold: conf.healthyThreshold ?? 1,
    initialJitterMs: durationMs(conf.initialJitter ?? '0'),
    intervalJitterMs: durationMs(conf.intervalJitter ?? '0'),
    intervalJitterPercent: conf.intervalJitterPercent ?? 0,
    noTrafficIntervalMs: durationMs(conf.noTrafficInterval ?? '60s'),
    failTrafficOnPanic: conf.failTrafficOnPanic ?? false,
    eventLogPath: conf.eventLogPath ?? null,
    alwaysLogFailures: conf.alwaysLogHealthCheckFailures ?? false,
    reuseConnection: conf.reuseConnection ?? true,
    check,
  }
}

function methodOf({ tcp, http, grpc }: HealthCheckConf, protocol: 'tcp' | 'http' | 'grpc'): HealthCheckMethod | null {
  if (protocol === 'grpc' && grpc && !grpc.disabled)
    return { type: 'grpc', serviceName: grpc.serviceName ?? '', authority: grpc.authority ?? '' }
  if (protocol !== 'tcp' && http && !http.disabled) {
    const { set = [], add = [] } = http.requestHeadersToAdd ?? {}
    return { type: 'http', path: http.path ?? '/', statuses: http.expectedStatuses ?? [200], set, add }
  }
  return tcp && !tcp.disabled ? { type: 'tcp', send: tcp.send ?? null, receive: tcp.receive ?? [] } : null
}
