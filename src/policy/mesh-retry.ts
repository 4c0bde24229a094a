import { durationMs } from '../model/duration.ts'
import type { HeaderMatch } from '../model/header-match.ts'
import type { RetryConf } from '../model/kinds/mesh-retry.ts'
import type { RouteMatch } from './plan.ts'

/** A try that failed goes to a host that was not tried, and to a priority that was not tried when that one is exhausted. */
export interface RetryPlan {
  /** After the first one. */
  readonly attempts: number
  /** For methods that are safe to repeat (GET HEAD OPTIONS PUT DELETE TRACE). Envoy's words: `connect-failure`, `refused-stream`, `reset`,
   *  `gateway-error`, `5xx`, … or a status. https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#x-envoy-retry-on */
  readonly on: readonly string[]
  /** For all other methods. Unless a policy says otherwise: only what proves that the application never saw the request. */
  readonly onUnsafe: readonly string[]
  /** Only these methods are tried again; null = all. */
  readonly methods: readonly string[] | null
  /** Only requests with one of these headers are tried again; empty = all. */
  readonly requestHeaders: RouteMatch['headers']
  /** Answers with one of these headers are tried again. */
  readonly responseHeaders: RouteMatch['headers']
  readonly perTryTimeoutMs: number | null
  readonly backOffBaseMs: number
  readonly backOffMaxMs: number
  /** Pauses that an answer asks for; null = not heeded. */
  readonly rateLimited: {
    readonly headers: readonly { readonly name: string; readonly format: 'Seconds' | 'UnixTimestamp' }[]
    readonly maxMs: number
  } | null
  readonly selection: HostSelectionPlan
}

/** Which hosts another attempt leaves out. */
export interface HostSelectionPlan {
  readonly omitTriedHosts: boolean
  /** Priorities are weighed anew after so many attempts; null = never. */
  readonly omitTriedPrioritiesAfter: number | null
  /** Hosts with all of these labels; null = none. */
  readonly omitTags: Readonly<Record<string, string>> | null
  /** How often another host is sought before one that should be left out is taken. */
  readonly attempts: number
}

/** As `planRetry` of `defaultRetries` gives it, for what no policy reaches. `setsConditions`: a policy says on what to retry, and that holds
 *  for all methods. https://kuma.io/docs/latest/policies/meshretry/ */
export function planRetry(conf: RetryConf, protocol: 'http' | 'grpc', setsConditions: boolean): RetryPlan {
  const common = (protocol === 'grpc' ? conf.grpc : conf.http) ?? {}
  const http = protocol === 'http' ? (conf.http ?? {}) : {}
  const { words, methods } = conditionsOf([...(protocol === 'grpc' ? unseen : []), ...(common.retryOn ?? [])])
  const responseHeaders = (http.retriableResponseHeaders ?? []).map(headerOf)
  const on = responseHeaders.length > 0 && !words.includes('retriable-headers') ? [...words, 'retriable-headers'] : words
  const backOffBaseMs = durationMs(common.backOff?.baseInterval ?? '25ms')
  const perTryTimeoutMs = durationMs(common.perTryTimeout ?? '0')
  return {
    attempts: common.numRetries ?? 1,
    on,
    onUnsafe: setsConditions ? on : on.filter(word => provesUnseen.includes(word)),
    methods: methods.length > 0 ? methods : null,
    requestHeaders: (http.retriableRequestHeaders ?? []).map(headerOf),
    responseHeaders,
    perTryTimeoutMs: perTryTimeoutMs > 0 ? perTryTimeoutMs : null,
    backOffBaseMs,
    backOffMaxMs: Math.max(
      backOffBaseMs,
      common.backOff?.maxInterval === undefined ? 10 * backOffBaseMs : durationMs(common.backOff.maxInterval),
    ),
    rateLimited: rateLimitedOf(common.rateLimitedBackOff),
    selection: selectionOf(conf.http),
  }
}

/** How many hosts a TCP connection is tried on; at least one. */
export function planConnectAttempts(conf: RetryConf): number {
  return Math.max(1, conf.tcp?.maxConnectAttempt ?? 1)
}

/** A gRPC policy names statuses; calls that never left are tried again besides. */
const unseen: readonly string[] = ['ConnectFailure', 'RefusedStream']

/** The application never saw a request that failed in one of these ways. */
const provesUnseen: readonly string[] = ['connect-failure', 'refused-stream', 'retriable-headers']

const envoyWords: Readonly<Record<string, string>> = {
  '5XX': '5xx',
  GatewayError: 'gateway-error',
  Reset: 'reset',
  Retriable4xx: 'retriable-4xx',
  ConnectFailure: 'connect-failure',
  EnvoyRatelimited: 'envoy-ratelimited',
  RefusedStream: 'refused-stream',
  Http3PostConnectFailure: 'http3-post-connect-failure',
  Canceled: 'cancelled',
  DeadlineExceeded: 'deadline-exceeded',
  Internal: 'internal',
  ResourceExhausted: 'resource-exhausted',
  Unavailable: 'unavailable',
}

/** `HttpMethodGet` narrows, everything else is a reason; a status stands for itself. */
function conditionsOf(retryOn: readonly string[]): { words: string[]; methods: string[] } {
  const methods = retryOn.filter(word => word.startsWith('HttpMethod')).map(word => word.slice('HttpMethod'.length).toUpperCase())
  const reasons = retryOn.filter(word => !word.startsWith('HttpMethod')).map(word => envoyWords[word] ?? word)
  // A proxy that turned a request away before the application saw it says so in a header of its own.
  const words = reasons.includes('refused-stream') ? [...reasons, 'retriable-headers'] : reasons
  return { words: [...new Set(words)], methods }
}

function headerOf({ name, type = 'Exact', value = '' }: HeaderMatch): RouteMatch['headers'][number] {
  return { name: name.toLowerCase(), type: type as RouteMatch['headers'][number]['type'], value }
}

type Common = NonNullable<RetryConf['grpc']>

function rateLimitedOf(conf: Common['rateLimitedBackOff']): RetryPlan['rateLimited'] {
  if (!conf?.resetHeaders?.length) return null
  return { headers: conf.resetHeaders, maxMs: durationMs(conf.maxInterval ?? '300s') }
}

function selectionOf(http: RetryConf['http']): HostSelectionPlan {
  const predicates = http?.hostSelection ?? []
  const byPriority = predicates.find(it => it.predicate === 'OmitPreviousPriorities')
  return {
    omitTriedHosts: predicates.some(it => it.predicate === 'OmitPreviousHosts'),
    omitTriedPrioritiesAfter: byPriority ? (byPriority.updateFrequency ?? 2) : null,
    omitTags: predicates.find(it => it.predicate === 'OmitHostsWithTags')?.tags ?? null,
    attempts: http?.hostSelectionMaxAttempts ?? 5,
  }
}
