import type { Dataplane, Inbound } from '../../model/kinds/dataplane.ts'
import { inboundName } from '../../model/kinds/dataplane.ts'
import { meshTrafficPermissionKind } from '../../model/kinds/mesh-traffic-permission.ts'
import type { Resource } from '../../model/resource.ts'
import { callSettings, inboundSettings } from '../../policy/call-settings.ts'
import type { Settings } from '../../policy/plan.ts'
import { planProxy } from '../../policy/plan-proxy.ts'
import type { Planning } from '../../policy/planning.ts'
import { fieldsOf } from '../../policy/rules/fields.ts'
import type { InboundRule } from '../../policy/rules/inbound-rules.ts'
import type { Entrance } from '../../policy/rules/match.ts'
import type { RuleConf } from '../../policy/rules/policy.ts'
import type { Destination } from '../../policy/rules/resolve.ts'
import { type MeshPolicies, rulesFor } from './mesh-policies.ts'
import { originKris, type ShowOptions, shownFields, withSettings } from './meta.ts'
import { isRouteKind } from './routes-of.ts'

/** `_policies`: what holds for a proxy as a whole. */
export function showProxyPolicies(policies: MeshPolicies, dataplane: Dataplane, { withFields }: ShowOptions) {
  const planning = policies.planning(dataplane)
  const shown = rulesFor(planning).flatMap(({ kind, rules }) => {
    const found = rules.proxyConf()
    return found ? [{ kind, conf: found.conf, origins: originKris(found.origins), ...fieldsIf(withFields, found) }] : []
  })
  if (!withFields) return { policies: shown }
  const { settings } = planProxy(planning.view, dataplane)
  return { policies: withSettings(shown, settings, kind => ({ kind, conf: {}, origins: [] }) as never) }
}

/** `_outbounds/{kri}/_policies`, and of what a route takes `_routes/{kri}/_policies`: what holds for calls to a destination. */
export function showOutboundPolicies(
  policies: MeshPolicies,
  dataplane: Dataplane,
  destination: Destination,
  route: Resource | undefined,
  { withFields }: ShowOptions,
) {
  const planning = policies.planning(dataplane)
  const shown = rulesFor(planning, kind => !isRouteKind(kind)).flatMap(({ kind, rules }) => {
    const found = rules.confFor(destination.resource, destination.section, route)
    return found ? [{ kind, conf: [found.conf], origins: originKris(found.origins), ...fieldsIf(withFields, found) }] : []
  })
  if (!withFields) return { policies: shown }
  const { MeshTCPRoute: _, ...settings } = settingsOf(planning, destination, route)
  return { policies: withSettings(shown, settings, kind => ({ kind, conf: [], origins: [] }) as never) }
}

/** Of a service that nothing is known to call there is no plan: what policies say is all there is. */
function settingsOf(planning: Planning, { resource, section }: Destination, route: Resource | undefined): Settings {
  const service = planning.view.services.get(`${resource.kind}/${resource.name}`)
  const port = service?.ports.find(({ name }) => name === section)
  return service && port ? callSettings(planning, service, port, route) : {}
}

/** `_inbounds/{kri}/_policies`: what holds for what comes in at a place. */
export function showInboundPolicies(policies: MeshPolicies, dataplane: Dataplane, entrance: Entrance, { withFields }: ShowOptions) {
  const planning = policies.planning(dataplane)
  const shown = rulesFor(planning).flatMap(({ kind, rules }) => {
    const found = rules.inboundRulesFor(entrance)
    return found.length > 0 ? [showInboundRules(kind, found, rules.inboundConfFor(entrance), withFields)] : []
  })
  const inbound = dataplane.spec.networking.inbound?.find(one => inboundName(one) === inboundName(entrance as Inbound))
  if (!withFields || !inbound) return { policies: shown }
  return { policies: withSettings(shown, inboundSettings(planning, inbound), kind => ({ kind, rules: [], origins: [] }) as never) }
}

function showInboundRules(kind: string, rules: readonly InboundRule[], merged: RuleConf | null, withFields: boolean) {
  return {
    kind,
    rules: rules.map(({ origin, match, conf }) => ({ kri: origin.kri, ...(withFields && match ? { match } : {}), conf })),
    origins: [...new Set(rules.map(({ origin }) => origin.kri))].map(kri => ({ kri })),
    // Every permission counts: none of them is overridden by another.
    ...(merged && kind !== meshTrafficPermissionKind.kind ? fieldsIf(withFields, merged) : {}),
  }
}

function fieldsIf(withFields: boolean, conf: RuleConf) {
  return withFields ? { fields: shownFields(fieldsOf(conf)) } : {}
}
