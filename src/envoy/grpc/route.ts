import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import type {
  RetryPolicySchema,
  RouteAction_HashPolicySchema,
  RouteMatchSchema,
  RouteSchema,
} from '../../gen/envoy/config/route/v3/route_components_pb.js'
import { RouteConfigurationSchema } from '../../gen/envoy/config/route/v3/route_pb.js'
import type { HashPolicyPlan } from '../../policy/mesh-load-balancing-strategy.ts'
import type { RetryPlan } from '../../policy/mesh-retry.ts'
import type { RequestTimeouts } from '../../policy/mesh-timeout.ts'
import type { RouteMatch, RoutePlan, VirtualHostPlan } from '../../policy/plan.ts'
import { duration, regex } from '../messages.ts'
import { weightedClusters } from '../route.ts'
import { headerMatcher, trimSlash } from '../route-match.ts'

type Route = MessageInitShape<typeof RouteSchema>

/** The routes of a service that a gRPC application calls, under the name that it calls it by. */
export function encodeGrpcRoutes(name: string, host: VirtualHostPlan): Uint8Array {
  const routes = host.routes.flatMap(routeOf)
  return toBinary(
    RouteConfigurationSchema,
    create(RouteConfigurationSchema, { name, virtualHosts: [{ name: host.name, domains: ['*'], routes }] }),
  )
}

/** A call is a POST without a query: what matches others matches none. */
function routeOf(plan: RoutePlan): Route[] {
  const { match } = plan
  if ((match.method !== undefined && match.method !== 'POST') || match.queryParams.length > 0) return []
  return [{ name: plan.name, match: { pathSpecifier: path(match.path), headers: match.headers.map(headerMatcher) }, action: action(plan) }]
}

/** A call cannot be redirected or answered here: it fails, rather than go where it must not. */
function action({ action }: RoutePlan): NonNullable<Route['action']> {
  const clusters = action.kind === 'forward' ? weightedClusters(action.clusters) : null
  if (action.kind !== 'forward' || clusters === null) return { case: 'nonForwardingAction', value: {} }
  const retry = retryPolicy(action.retry)
  return {
    case: 'route',
    value: {
      clusterSpecifier:
        'single' in clusters
          ? { case: 'cluster', value: clusters.single }
          : { case: 'weightedClusters', value: { clusters: clusters.many } },
      ...deadline(action.timeouts),
      ...(retry ? { retryPolicy: retry } : {}),
      hashPolicy: action.hashPolicies.flatMap(hashPolicy),
    },
  }
}

/** gRPC passes over Envoy's `timeout`, and takes the longest stream for the longest call.
 *  https://github.com/grpc/proposal/blob/master/A31-xds-timeout-support-and-config-selector.md */
function deadline({ totalMs, maxStreamMs }: RequestTimeouts) {
  const limits = [totalMs, maxStreamMs].filter(ms => ms > 0)
  return limits.length === 0 ? {} : { maxStreamDuration: { maxStreamDuration: duration(Math.min(...limits)) } }
}

/** The statuses that gRPC's clients retry on; a call that no server has seen they repeat by themselves.
 *  https://github.com/grpc/proposal/blob/master/A44-xds-retry.md */
const statuses: ReadonlySet<string> = new Set(['cancelled', 'deadline-exceeded', 'internal', 'resource-exhausted', 'unavailable'])

function retryPolicy(plan: RetryPlan): MessageInitShape<typeof RetryPolicySchema> | undefined {
  const on = plan.on.filter(word => statuses.has(word))
  if (plan.attempts === 0 || on.length === 0) return undefined
  return {
    retryOn: on.join(','),
    numRetries: plan.attempts,
    retryBackOff: { baseInterval: duration(Math.max(1, plan.backOffBaseMs)), maxInterval: duration(Math.max(1, plan.backOffMaxMs)) },
  }
}

/** By a header only. https://github.com/grpc/proposal/blob/master/A42-xds-ring-hash-lb-policy.md */
function hashPolicy(plan: HashPolicyPlan): MessageInitShape<typeof RouteAction_HashPolicySchema>[] {
  return plan.type === 'header' ? [{ terminal: plan.terminal, policySpecifier: { case: 'header', value: { headerName: plan.name } } }] : []
}

/** gRPC knows prefixes of letters only: one of path segments is said as an expression, which always has to match the whole path. */
function path(match: RouteMatch['path']): NonNullable<MessageInitShape<typeof RouteMatchSchema>['pathSpecifier']> {
  switch (match.type) {
    case 'Exact':
      return { case: 'path', value: match.value }
    case 'RegularExpression':
      return { case: 'safeRegex', value: regex(match.value) }
    case 'PathPrefix': {
      const prefix = trimSlash(match.value)
      return prefix === '/'
        ? { case: 'prefix', value: '/' }
        : { case: 'safeRegex', value: regex(`${prefix.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(/.*)?`) }
    }
  }
}
