import type { MessageInitShape } from '@bufbuild/protobuf'
import type { RetryPolicySchema } from '../gen/envoy/config/route/v3/route_components_pb.js'
import { PreviousHostsPredicateSchema } from '../gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.js'
import { PreviousPrioritiesConfigSchema } from '../gen/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb.js'
import type { RetryPlan } from '../policy/plan.ts'
import { refusedHeader } from './headers.ts'
import { duration, typedConfig } from './messages.ts'

/** How often Envoy draws again when it drew a host that was tried already. */
const hostSelectionAttempts = 5n

/** `on` is the plan's list for the methods at hand; undefined = no second try. A number in it is a response status. */
export function retryPolicy(plan: RetryPlan, on: readonly string[]): MessageInitShape<typeof RetryPolicySchema> | undefined {
  if (plan.attempts === 0 || on.length === 0) return undefined
  const statuses = on.filter(word => /^\d{3}$/.test(word)).map(Number)
  const words = on.filter(word => !/^\d{3}$/.test(word))
  if (statuses.length > 0) words.push('retriable-status-codes')
  return {
    retryOn: words.join(','),
    numRetries: plan.attempts,
    ...(plan.perTryTimeoutMs === null ? {} : { perTryTimeout: duration(plan.perTryTimeoutMs) }),
    retriableStatusCodes: statuses,
    retryHostPredicate: [{ name: 'envoy.retry_host_predicates.previous_hosts', configType: typedConfig(PreviousHostsPredicateSchema, {}) }],
    hostSelectionRetryMaxAttempts: hostSelectionAttempts,
    retryPriority: {
      name: 'envoy.retry_priorities.previous_priorities',
      configType: typedConfig(PreviousPrioritiesConfigSchema, { updateFrequency: 1 }),
    },
    retryBackOff: { baseInterval: duration(plan.backOffBaseMs), maxInterval: duration(plan.backOffMaxMs) },
    retriableHeaders: words.includes('retriable-headers')
      ? [{ name: refusedHeader, headerMatchSpecifier: { case: 'presentMatch', value: true } }]
      : [],
  }
}
