import type { MessageInitShape } from '@bufbuild/protobuf'
import type { FilterSchema } from '../gen/envoy/config/listener/v3/listener_components_pb.js'
import { type PolicySchema, type PrincipalSchema, RBAC_Action, type RBACSchema } from '../gen/envoy/config/rbac/v3/rbac_pb.js'
import { RBACSchema as HttpRbacSchema } from '../gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.js'
import type { HttpFilterSchema } from '../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
import { RBACSchema as NetworkRbacSchema } from '../gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.js'
import type { IdMatch, PermissionPlan } from '../policy/plan.ts'
import { typedConfig } from './messages.ts'

type Rules = MessageInitShape<typeof RBACSchema>

/** First what nobody may, then what somebody must: a request passes both filters. */
export function httpPermissions(plan: PermissionPlan): MessageInitShape<typeof HttpFilterSchema>[] {
  return rulesOf(plan).map(rules => ({ name: 'envoy.filters.http.rbac', configType: typedConfig(HttpRbacSchema, { rules }) }))
}

export function tcpPermissions(plan: PermissionPlan, statPrefix: string): MessageInitShape<typeof FilterSchema>[] {
  return rulesOf(plan).map(rules => ({
    name: 'envoy.filters.network.rbac',
    configType: typedConfig(NetworkRbacSchema, { statPrefix, rules }),
  }))
}

/** Without a deny there is one filter. An ALLOW without policies lets nobody in, which is what an empty `allow` means. */
function rulesOf({ deny, allow }: PermissionPlan): Rules[] {
  const filters: Rules[] = []
  if (deny.length > 0) filters.push({ action: RBAC_Action.DENY, policies: { deny: policy(deny) } })
  filters.push({ action: RBAC_Action.ALLOW, policies: allow.length === 0 ? {} : { allow: policy(allow) } })
  return filters
}

function policy(matches: readonly IdMatch[]): MessageInitShape<typeof PolicySchema> {
  return { permissions: [{ rule: { case: 'any', value: true } }], principals: matches.map(principal) }
}

function principal(match: IdMatch): MessageInitShape<typeof PrincipalSchema> {
  switch (match.type) {
    case 'Any':
      return { identifier: { case: 'any', value: true } }
    case 'Exact':
      return authenticated({ case: 'exact', value: match.value })
    case 'Prefix':
      return authenticated({ case: 'prefix', value: match.value })
  }
}

function authenticated(matchPattern: { case: 'exact' | 'prefix'; value: string }): MessageInitShape<typeof PrincipalSchema> {
  return { identifier: { case: 'authenticated', value: { principalName: { matchPattern } } } }
}
