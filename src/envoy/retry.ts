import type { MessageInitShape } from '@bufbuild/protobuf'
import {
  RetryPolicy_ResetHeaderFormat as ResetHeaderFormat,
  type RetryPolicySchema,
} from '../gen/envoy/config/route/v3/route_components_pb.js'
import { OmitHostMetadataConfigSchema } from '../gen/envoy/extensions/retry/host/omit_host_metadata/v3/omit_host_metadata_config_pb.js'
import { PreviousHostsPredicateSchema } from '../gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.js'
import { PreviousPrioritiesConfigSchema } from '../gen/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb.js'
import type { HostSelectionPlan, RetryPlan } from '../policy/mesh-retry.ts'
import type { ClientKind } from './client-kind.ts'
import { refusedHeader } from './headers.ts'
import { duration, typedConfig } from './messages.ts'
import { headerMatcher } from './route-match.ts'

/** `on` is the plan's list for the methods at hand; undefined = no second try. A number in it is a response status. */
export function retryPolicy(
  plan: RetryPlan,
  on: readonly string[],
  client: ClientKind,
): MessageInitShape<typeof RetryPolicySchema> | undefined {
  const statuses = on.filter(word => /^\d{3}$/.test(word)).map(Number)
  const words = on.filter(word => !/^\d{3}$/.test(word) && (client === 'envoy' || !envoyOnly.has(word)))
  if (statuses.length > 0) words.push('retriable-status-codes')
  if (plan.attempts === 0 || words.length === 0) return undefined
  return {
    retryOn: words.join(','),
    numRetries: plan.attempts,
    ...(plan.perTryTimeoutMs === null ? {} : { perTryTimeout: duration(plan.perTryTimeoutMs) }),
    retriableStatusCodes: statuses,
    retryHostPredicate: hostPredicates(plan.selection, client),
    hostSelectionRetryMaxAttempts: BigInt(plan.selection.attempts),
    ...retryPriority(plan.selection),
    retryBackOff: { baseInterval: duration(plan.backOffBaseMs), maxInterval: duration(plan.backOffMaxMs) },
    retriableHeaders: words.includes('retriable-headers') ? responseHeaders(plan, client) : [],
    ...(client === 'envoy' ? moreOfEnvoy(plan) : {}),
  }
}

/** What the built-in proxy does not know: HTTP/3 and Envoy's own rate limit. */
const envoyOnly: ReadonlySet<string> = new Set(['envoy-ratelimited', 'http3-post-connect-failure'])

function hostPredicates(selection: HostSelectionPlan, client: ClientKind) {
  const previous = { name: 'envoy.retry_host_predicates.previous_hosts', configType: typedConfig(PreviousHostsPredicateSchema, {}) }
  const tags = client === 'envoy' ? selection.omitTags : null
  const omit = (labels: Readonly<Record<string, string>>) => ({
    name: 'envoy.retry_host_predicates.omit_host_metadata',
    configType: typedConfig(OmitHostMetadataConfigSchema, { metadataMatch: { filterMetadata: { 'envoy.lb': { ...labels } } } }),
  })
  return [...(selection.omitTriedHosts ? [previous] : []), ...(tags ? [omit(tags)] : [])]
}

function retryPriority({ omitTriedPrioritiesAfter }: HostSelectionPlan) {
  if (omitTriedPrioritiesAfter === null) return {}
  const configType = typedConfig(PreviousPrioritiesConfigSchema, { updateFrequency: Math.max(1, omitTriedPrioritiesAfter) })
  return { retryPriority: { name: 'envoy.retry_priorities.previous_priorities', configType } }
}

/** That of a proxy which turned the request away, and those that the policy names. */
function responseHeaders(plan: RetryPlan, client: ClientKind) {
  const refused = { name: refusedHeader, headerMatchSpecifier: { case: 'presentMatch' as const, value: true } }
  return [refused, ...(client === 'envoy' ? plan.responseHeaders.map(headerMatcher) : [])]
}

function moreOfEnvoy({ requestHeaders, rateLimited }: RetryPlan) {
  return {
    retriableRequestHeaders: requestHeaders.map(headerMatcher),
    ...(rateLimited
      ? {
          rateLimitedRetryBackOff: {
            resetHeaders: rateLimited.headers.map(({ name, format }) => ({
              name,
              format: format === 'Seconds' ? ResetHeaderFormat.SECONDS : ResetHeaderFormat.UNIX_TIMESTAMP,
            })),
            maxInterval: duration(rateLimited.maxMs),
          },
        }
      : {}),
  }
}
