import type { Dataplane } from '../../src/model/kinds/dataplane.ts'
import { kriOf } from '../../src/model/kri.ts'
import type { Resource } from '../../src/model/resource.ts'
import type { TargetRef } from '../../src/model/target-ref.ts'
import type { InboundMatch, Policy, RouteRuleItem, ToItem } from '../../src/policy/rules/policy.ts'

/**
 * Kuma's rules of matching, order and merging, sentence by sentence, without an index or a memo: what `src/policy/rules` is held to.
 * It shares no code with it.
 */

type Json = unknown

const display = ({ name, labels }: Pick<Resource, 'name' | 'labels'>) => labels['kuma.io/display-name'] ?? name
const role = (policy: Policy) => {
  const label = policy.labels['kuma.io/policy-role'] ?? ''
  return ['producer', 'consumer', 'workload-owner'].includes(label) ? label : 'system'
}
const namespace = (labels: Resource['labels']) => labels['k8s.kuma.io/namespace']

export interface Place {
  readonly name?: string | undefined
  readonly port: number
}

export function places(dataplane: Dataplane): Place[] {
  const { inbound = [], listeners = [] } = dataplane.spec.networking
  return [...inbound, ...listeners]
}

/** Policies that reach a proxy, least important first. */
export function matched(policies: readonly Policy[], dataplane: Dataplane): Policy[] {
  return policies
    .filter(policy => policy.labels['kuma.io/effect'] !== 'shadow')
    .filter(policy => selected(policy, dataplane).length > 0 || (wholeSelected(policy, dataplane) && dataplane.spec.networking.gateway))
    .sort((a, b) => compareKeys(policyKey(a), policyKey(b)))
}

/** The places of a proxy that a policy is for. */
export function selected(policy: Policy, dataplane: Dataplane): Place[] {
  if (!wholeSelected(policy, dataplane)) return []
  const ref = policy.spec.targetRef
  const all = places(dataplane)
  if (ref?.kind !== 'Dataplane' || !ref.sectionName) return all
  return all.filter(({ name, port }) => name === ref.sectionName || String(port) === ref.sectionName)
}

function wholeSelected(policy: Policy, dataplane: Dataplane): boolean {
  const { labels } = dataplane
  if (role(policy) !== 'producer' && policy.labels['kuma.io/origin'] === 'zone' && labels['kuma.io/origin'] === 'zone') {
    const zones = [policy.labels['kuma.io/zone'], labels['kuma.io/zone']]
    if (zones[0] !== undefined && zones[1] !== undefined && zones[0] !== zones[1]) return false
  }
  if (role(policy) === 'consumer' || role(policy) === 'workload-owner') {
    if (namespace(policy.labels) === undefined || namespace(policy.labels) !== namespace(labels)) return false
  }
  const ref = policy.spec.targetRef
  if (ref === undefined || ref.kind === 'Mesh') return true
  if (ref.kind !== 'Dataplane') return false
  const known = { 'kuma.io/display-name': dataplane.name, ...labels } as Record<string, string>
  return Object.entries(ref.labels ?? {}).every(([label, value]) => known[label] === value)
}

/** Smaller = less important, compared from left to right. */
type Key = readonly (number | { readonly descending: string })[]

function policyKey(policy: Policy): Key {
  return [...attributes(policy), { descending: display(policy) }, { descending: policy.name }]
}

function attributes({ spec: { targetRef }, ...policy }: Policy): Key {
  const isDataplane = targetRef?.kind === 'Dataplane'
  const origin = policy.labels['kuma.io/origin']
  return [
    isDataplane ? 1 : 0,
    isDataplane && targetRef.sectionName ? 1 : 0,
    origin === 'global' ? 0 : origin === 'zone' ? 2 : 1,
    ['system', 'producer', 'consumer', 'workload-owner'].indexOf(role({ spec: {}, ...policy })),
  ]
}

function compareKeys(a: Key, b: Key): number {
  for (const [index, left] of a.entries()) {
    const right = b[index]!
    if (typeof left === 'number') {
      if (left !== right) return left - (right as number)
    } else {
      const { descending } = right as { descending: string }
      if (left.descending !== descending) return left.descending < descending ? 1 : -1
    }
  }
  return 0
}

export interface Item {
  readonly policy: Policy
  readonly index: number
  readonly item: ToItem
}

/** All `to` items, least important first. */
export function sortedItems(policies: readonly Policy[]): Item[] {
  const kinds = ['Mesh', 'MeshService', 'MeshExternalService', 'MeshMultiZoneService', 'MeshHTTPRoute']
  return policies
    .toSorted((a, b) => compareKeys(policyKey(a), policyKey(b)))
    .flatMap(policy => (policy.spec.to ?? []).map((item, index) => ({ policy, index, item })))
    .sort((a, b) => {
      const key = ({ policy, item: { targetRef } }: Item): Key => [
        ...attributes(policy),
        kinds.indexOf(targetRef.kind),
        targetRef.kind === 'MeshService' && targetRef.sectionName ? 1 : 0,
        { descending: display(policy) },
        { descending: policy.name },
      ]
      return compareKeys(key(a), key(b))
    })
}

/** What an item means: resources and sections ('' = the whole). */
export function resolved({ policy, item }: Item, resources: readonly Resource[]): { resource: Resource; section: string }[] {
  return resources.flatMap(resource => {
    const section = resolvedSection(policy, item.targetRef, resource)
    return section === null ? [] : [{ resource, section }]
  })
}

function resolvedSection(policy: Policy, ref: TargetRef, resource: Resource): string | null {
  if (ref.kind !== resource.kind) return null
  if (ref.kind === 'Mesh') return resource.name === policy.mesh ? '' : null
  if (ref.labels === undefined) return null
  const wanted: Record<string, string> = { ...ref.labels }
  if (role(policy) === 'producer' && namespace(policy.labels) && wanted['kuma.io/display-name'] && !namespace(wanted))
    wanted['k8s.kuma.io/namespace'] = namespace(policy.labels)!
  if (!Object.entries(wanted).every(([label, value]) => resource.labels[label] === value)) return null
  const ports = sections(resource)
  if (!ref.sectionName || ports === null) return ''
  return ports.includes(ref.sectionName) ? ref.sectionName : null
}

export function sections({ kind, spec }: Resource): string[] | null {
  if (kind === 'MeshExternalService') return [String((spec as { match: { port: number } }).match.port)]
  if (kind !== 'MeshService' && kind !== 'MeshMultiZoneService') return null
  return (spec as { ports: { name?: string; port: number }[] }).ports.map(({ name, port }) => name ?? String(port))
}

/** A rule for each resource and section that an item means, by KRI; each of all items that say something of it. */
export function resourceRules(policies: readonly Policy[], resources: readonly Resource[]): Map<string, Item[]> {
  const items = sortedItems(policies)
  const rules = new Map<string, Item[]>()
  for (const item of items) {
    for (const { resource, section } of resolved(item, resources)) {
      const relevant = items.filter(({ policy, item: { targetRef } }) => {
        if (targetRef.kind === 'Mesh') return true
        const found = resolvedSection(policy, targetRef, resource)
        return found !== null && (found === '' || found === section || resource.kind === 'MeshExternalService')
      })
      rules.set(kriOf(resource, section), relevant)
    }
  }
  return rules
}

/** The rule in force: that of the route, of the section, of the whole, of the mesh: the first there is. */
export function lookUp(rules: Map<string, Item[]>, mesh: Resource, resource: Resource, section: string, route?: Resource): Item[] | null {
  const chain = [...(route ? [kriOf(route)] : []), kriOf(resource, section), kriOf(resource), kriOf(mesh)]
  for (const kri of chain) if (rules.has(kri)) return rules.get(kri)!
  return null
}

export function mergeAll(confs: readonly Json[]): Json {
  return confs.reduce<Json>((merged, conf) => patch(merged, conf), undefined)
}

/** https://www.rfc-editor.org/rfc/rfc7396#section-2, and `append…`. */
function patch(target: Json, change: Json): Json {
  if (typeof change !== 'object' || change === null || Array.isArray(change)) return change
  const isObject = typeof target === 'object' && target !== null && !Array.isArray(target)
  const result: Record<string, Json> = isObject ? structuredClone(target as Record<string, Json>) : {}
  for (const [name, value] of Object.entries(change)) {
    const before = result[name]
    if (value === null) delete result[name]
    else if (name.startsWith('append') && Array.isArray(value)) result[name] = Array.isArray(before) ? before.concat(value) : value
    else result[name] = patch(before, value)
  }
  return result
}

export interface Inbound {
  readonly match: InboundMatch | undefined
  readonly conf: Json
  readonly policy: string
  readonly ruleIndex: number
}

/** What holds at a place: sorted by policy, then, stably, by how specific the match is. */
export function inbound(policies: readonly Policy[], dataplane: Dataplane, place: Place): Inbound[] {
  const rules = matched(policies, dataplane)
    .filter(policy => selected(policy, dataplane).includes(place))
    .flatMap(policy =>
      (policy.spec.rules ?? []).flatMap(({ matches = [], default: conf }, ruleIndex) =>
        (matches.length === 0 ? [undefined] : matches).map(match => ({ match, conf, policy: policy.name, ruleIndex })),
      ),
    )
  const tier = (match: InboundMatch | undefined) =>
    [match?.spiffeID?.type === 'Exact' ? 0 : match?.spiffeID ? 1 : 2, match?.sni ? 0 : 1] as const
  const tiers = [0, 1, 2].flatMap(id => [0, 1].map(sni => [id, sni] as const))
  return tiers.flatMap(([id, sni]) => rules.filter(({ match }) => tier(match)[0] === id && tier(match)[1] === sni))
}

/** Rules of HTTP routes: each policy's reversed, put after each other, merged where their matches are equal (the last place counts),
 *  and the whole reversed. */
export function routeRules(lists: readonly (readonly RouteRuleItem[])[]): { matches: unknown; conf: Json }[] {
  const all = lists.flatMap(rules => rules.toReversed())
  const merged: { matches: unknown; confs: Json[] }[] = []
  for (const { matches, default: conf } of all) {
    const earlier = merged.findIndex(one => JSON.stringify(one.matches) === JSON.stringify(matches))
    const confs = earlier === -1 ? [] : merged.splice(earlier, 1)[0]!.confs
    merged.push({ matches, confs: [...confs, conf] })
  }
  return merged.toReversed().map(({ matches, confs }) => ({ matches, conf: mergeAll(confs) }))
}
