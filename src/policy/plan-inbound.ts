import { type Inbound, inboundListenerName } from '../model/kinds/dataplane.ts'
import { workloadLabel } from '../model/labels.ts'
import { isHttp } from '../model/schema.ts'
import { defaultInboundCircuitBreaker, defaultTimeouts, defaultTls } from './defaults.ts'
import { type AccessLogPlan, type AccessLogSubject, planAccessLog } from './mesh-access-log.ts'
import { planCircuitBreaker } from './mesh-circuit-breaker.ts'
import { planFaults } from './mesh-fault-injection.ts'
import { planRateLimit } from './mesh-rate-limit.ts'
import { planTimeouts } from './mesh-timeout.ts'
import { planMeshTls, tlsContradiction } from './mesh-tls.ts'
import { planPermissions } from './mesh-traffic-permission.ts'
import type { IdMatch, InboundPlan, InboundRulePlan } from './plan.ts'
import type { Planning, PolicyConfs, PolicyKind } from './planning.ts'
import type { Entrance } from './rules/match.ts'
import type { InboundMatch, RuleConf } from './rules/policy.ts'
import { effective, originText } from './settings.ts'

/** mTLS from peers → the application beside the proxy; its cluster goes into the planning's. */
export function planInbound(planning: Planning, inbound: Inbound): InboundPlan {
  const { dataplane } = planning
  const name = inboundListenerName(inbound)
  const protocol = isHttp(inbound.protocol) ? 'http' : 'tcp'
  const timeouts = effective(defaultTimeouts, fromAll(planning, 'MeshTimeout', inbound))
  const breaker = effective(defaultInboundCircuitBreaker, fromAll(planning, 'MeshCircuitBreaker', inbound))
  const tlsRule = fromAll(planning, 'MeshTLS', inbound)
  const tls = effective(defaultTls, tlsRule)
  planning.atOdds(tlsRule, tlsContradiction(tls.conf))
  const timeoutPlan = planTimeouts(timeouts.conf)
  planning.clusters.set(name, {
    kind: 'local',
    name,
    address: inbound.serviceAddress ?? '127.0.0.1',
    port: inbound.servicePort ?? inbound.port,
    protocol,
    http2: inbound.protocol === 'grpc' || inbound.protocol === 'http2',
    timeouts: timeoutPlan.connection,
    limits: planCircuitBreaker(breaker.conf).limits,
  })
  return {
    kind: 'inbound',
    name,
    address: inbound.address ?? dataplane.spec.networking.address,
    port: inbound.port,
    protocol,
    cluster: name,
    permissions: planPermissions(planning.rules('MeshTrafficPermission'), inbound),
    tls: planMeshTls(tls.conf),
    timeouts: timeoutPlan,
    rateLimits: perMatch(planning, 'MeshRateLimit', inbound, planRateLimit),
    faults: perMatch(planning, 'MeshFaultInjection', inbound, conf => nonEmpty(planFaults(conf))),
    accessLogs: inboundAccessLogs(planning, inbound, protocol),
    settings: {
      MeshTimeout: timeouts.settings,
      MeshCircuitBreaker: breaker.settings.filter(setting => setting.path.startsWith('connectionLimits')),
      MeshTLS: tls.settings,
    },
  }
}

/** What holds for all callers, of kinds that cannot tell one caller from another: a rule that wants to is reported, and left out. */
function fromAll<K extends PolicyKind>(planning: Planning, kind: K, entrance: Entrance): RuleConf<PolicyConfs[K]> | null {
  const rules = planning.rules(kind)
  for (const { match, origin } of rules.inboundRulesFor(entrance)) {
    if (match !== undefined)
      planning.warn(origin.kri, `rule ${origin.ruleIndex}: a ${kind} is for all callers alike: a rule with matches is left out`)
  }
  return rules.inboundConfFor(entrance)
}

/** Rules for some callers, then the one for all. */
function perMatch<K extends 'MeshRateLimit' | 'MeshFaultInjection', T>(
  planning: Planning,
  kind: K,
  entrance: Entrance,
  plan: (conf: PolicyConfs[K]) => T | null,
): InboundRulePlan<T>[] {
  const rules = planning.rules(kind)
  const matching = rules.inboundRulesFor(entrance).flatMap(({ match, conf, origin }): InboundRulePlan<T>[] => {
    // A match by SNI is about names outside the mesh, which an inbound has none of.
    const value = match === undefined || match.sni ? null : plan(conf as PolicyConfs[K])
    return value === null ? [] : [{ match: matchPlan(match!), value, origin: originText(origin) }]
  })
  const all = rules.inboundConfFor(entrance)
  const value = all && plan(all.conf)
  return value === null ? matching : [...matching, { match: null, value, origin: originText(all!.origins.at(-1)!) }]
}

function matchPlan({ spiffeID }: InboundMatch): IdMatch {
  return spiffeID ? (spiffeID as Extract<IdMatch, { value: string }>) : { type: 'Any' }
}

function inboundAccessLogs(planning: Planning, inbound: Inbound, protocol: 'http' | 'tcp'): AccessLogPlan[] {
  const rule = fromAll(planning, 'MeshAccessLog', inbound)
  if (!rule) return []
  const { dataplane, view } = planning
  const subject: AccessLogSubject = {
    mesh: view.mesh,
    direction: 'INBOUND',
    // Who calls is known only when it does.
    source: { service: '*', zone: '*', address: dataplane.spec.networking.address },
    destination: { service: dataplane.labels[workloadLabel] ?? dataplane.name, zone: view.zone },
    protocol,
  }
  return planAccessLog(rule.conf, subject, ref => planning.otelBackend(rule, ref))
}

function nonEmpty<T>(list: readonly T[]): readonly T[] | null {
  return list.length > 0 ? list : null
}
