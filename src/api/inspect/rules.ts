import type { Dataplane } from '../../model/kinds/dataplane.ts'
import { entrancesOf } from '../../policy/rules/match.ts'
import type { ProxyRules } from '../../policy/rules/proxy-rules.ts'
import { matchesHash } from './matches-hash.ts'
import { type KindRules, type MeshPolicies, rulesFor } from './mesh-policies.ts'
import { metaOf, originMeta } from './meta.ts'

/** `_rules`: everything that policies say to a proxy, kind by kind. */
export function showRules(policies: MeshPolicies, dataplane: Dataplane) {
  const list = policies.list(dataplane.mesh)
  const byKind = rulesFor(policies.planning(dataplane)).map(one => showKind(one, dataplane, list))
  const routeRules = byKind
    .filter(({ type }) => type === 'MeshHTTPRoute')
    .flatMap(({ toResourceRules }) => toResourceRules)
    .flatMap(({ conf }) => (conf[0] as { readonly rules: readonly { readonly matches: readonly unknown[] }[] }).rules)
  const httpMatches = new Map(routeRules.map(({ matches }) => [matchesHash(matches), matches]))
  return {
    resource: metaOf(dataplane),
    httpMatches: [...httpMatches].map(([hash, match]) => ({ hash, match })).sort((a, b) => compareTexts(a.hash, b.hash)),
    rules: byKind.filter(({ toResourceRules, inboundRules, proxyRule }) => toResourceRules.length + inboundRules.length > 0 || proxyRule),
  }
}

function showKind({ kind, rules }: KindRules, dataplane: Dataplane, list: ReturnType<MeshPolicies['list']>) {
  const proxyConf = rules.proxyConf()
  return {
    type: kind,
    toResourceRules: rules
      .resourceRules(list)
      .map(({ conf, origins, resource, section }) => ({
        resourceMeta: metaOf(resource),
        resourceSectionName: section,
        conf: [conf],
        origin: origins.map(originMeta),
      }))
      .sort((a, b) => compareTexts(a.resourceMeta.name, b.resourceMeta.name)),
    inboundRules: showInbounds(rules, dataplane),
    ...(proxyConf ? { proxyRule: { conf: proxyConf.conf, origin: proxyConf.origins.map(({ policy }) => metaOf(policy)) } } : {}),
    warnings: [],
  }
}

function showInbounds(rules: ProxyRules, dataplane: Dataplane) {
  return entrancesOf(dataplane)
    .map(({ name, port, ...entrance }) => ({
      // Kuma's inbounds had tags once.
      inbound: { ...(name === undefined ? {} : { name }), port, tags: null },
      rules: rules.inboundRulesFor({ ...entrance, name, port }).map(({ match, conf, origin }) => ({
        ...(match ? { match } : {}),
        conf: [conf],
        origin: [originMeta(origin)],
      })),
    }))
    .filter(({ rules }) => rules.length > 0)
    .sort((a, b) => a.inbound.port - b.inbound.port)
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
