import type { Dataplane } from '../../model/kinds/dataplane.ts'
import { meshTrafficPermissionKind } from '../../model/kinds/mesh-traffic-permission.ts'
import type { Resource } from '../../model/resource.ts'
import { fieldsOf } from '../../policy/rules/fields.ts'
import type { InboundRule } from '../../policy/rules/inbound-rules.ts'
import type { Entrance } from '../../policy/rules/match.ts'
import type { RuleConf } from '../../policy/rules/policy.ts'
import type { Destination } from '../../policy/rules/resolve.ts'
import type { MeshPolicies } from './mesh-policies.ts'
import { fieldsIf, originKris, type ShowOptions } from './meta.ts'
import { isRouteKind } from './routes-of.ts'

/** `_policies`: what holds for a proxy as a whole. */
export function showProxyPolicies(policies: MeshPolicies, dataplane: Dataplane, options: ShowOptions) {
  return {
    policies: policies.rulesFor(dataplane).flatMap(({ kind, rules }) => {
      const found = rules.proxyConf()
      return found ? [{ kind, conf: found.conf, origins: originKris(found.origins), ...fieldsIf(options, () => fieldsOf(found)) }] : []
    }),
  }
}

/** `_outbounds/{kri}/_policies`, and of what a route takes `_routes/{kri}/_policies`: what holds for calls to a destination. */
export function showOutboundPolicies(
  policies: MeshPolicies,
  dataplane: Dataplane,
  { resource, section }: Destination,
  route: Resource | undefined,
  options: ShowOptions,
) {
  return {
    policies: policies
      .rulesFor(dataplane, kind => !isRouteKind(kind))
      .flatMap(({ kind, rules }) => {
        const found = rules.confFor(resource, section, route)
        return found ? [{ kind, conf: [found.conf], origins: originKris(found.origins), ...fieldsIf(options, () => fieldsOf(found)) }] : []
      }),
  }
}

/** `_inbounds/{kri}/_policies`: what holds for what comes in at a place. */
export function showInboundPolicies(policies: MeshPolicies, dataplane: Dataplane, entrance: Entrance, options: ShowOptions) {
  return {
    policies: policies.rulesFor(dataplane).flatMap(({ kind, rules }) => {
      const found = rules.inboundRulesFor(entrance)
      return found.length > 0 ? [showInboundRules(kind, found, rules.inboundConfFor(entrance), options)] : []
    }),
  }
}

function showInboundRules(kind: string, rules: readonly InboundRule[], merged: RuleConf | null, options: ShowOptions) {
  return {
    kind,
    rules: rules.map(({ origin, match, conf }) => ({ kri: origin.kri, ...(options.withFields && match ? { match } : {}), conf })),
    origins: [...new Set(rules.map(({ origin }) => origin.kri))].map(kri => ({ kri })),
    // Every permission counts: none of them is overridden by another.
    ...(merged && kind !== meshTrafficPermissionKind.kind ? fieldsIf(options, () => fieldsOf(merged)) : {}),
  }
}
