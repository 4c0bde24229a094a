import type { InboundMatch } from '../../model/inbound-match.ts'
import type { Keywords } from '../../model/keywords.ts'
import { meshTrafficPermissionKind } from '../../model/kinds/mesh-traffic-permission.ts'
import { copyKnown, schemaAt } from '../copy-known.ts'
import type { Field } from '../field.ts'
import { callers } from './callers.ts'
import { callersByService, callersByTags } from './identity-match.ts'
import { legacySelectors, proxiesOf } from './legacy-selectors.ts'
import type { Output } from './output.ts'
import { topOf } from './policy.ts'
import type { Source } from './source.ts'
import { serviceTag, tagsOf } from './tags.ts'
import { topTargets } from './top-target.ts'
import type { World } from './world.ts'

type List = 'allow' | 'deny' | 'allowWithShadowDeny'
const lists: Readonly<Record<string, List>> = {
  allow: 'allow',
  deny: 'deny',
  allowwithshadowdeny: 'allowWithShadowDeny',
  allow_with_shadow_deny: 'allowWithShadowDeny',
  deny_with_shadow_allow: 'allowWithShadowDeny',
}

/** A MeshTrafficPermission: `from` named callers by tags, `rules` name them by their identities. */
export function convertTrafficPermission(source: Source, world: World, out: Output): void {
  const targets = topTargets(source.spec.member('targetRef'), source, world, false)
  if (targets.kind === 'impossible') {
    source.root.drop(targets.why)
    return
  }
  const fromItems = source.spec.member('from')?.items() ?? []
  const rules = [
    ...fromItems.flatMap(item => fromItem(item, fromItems, source, world, out)),
    ...(source.spec.member('rules')?.items() ?? []).map(item => out.item(copyRule(item), item)),
  ]
  if (rules.length === 0) {
    source.root.drop('nothing of it is left: see its fields')
    return
  }
  for (const target of targets.value) out.add(source, { kind: source.type, spec: { ...topOf(target), rules } })
}

function fromItem(item: Field, all: readonly Field[], source: Source, world: World, out: Output): object[] {
  const ref = item.member('targetRef')
  const action = item.at('default', 'action')
  const list = lists[String(action?.value).toLowerCase()]
  if (ref === undefined || action === undefined || list === undefined) {
    item.drop('it needs a targetRef and an action: Allow, Deny or AllowWithShadowDeny')
    return []
  }
  const found = callers(ref, source.mesh, world)
  if (found.kind === 'impossible') return list === 'deny' ? denyWhole(item, ref, found.why, source, world, out) : dropped(item, found.why)
  if (list === 'deny' && ref.text('kind') === 'Mesh' && all.some(other => isAllow(other)) && !allowsAllElsewhere(source, world)) {
    item.approximate('left out: what nothing allows is denied, and a deny here would win over every allow')
    return []
  }
  action.keep(`as ${list}`)
  if (list === 'deny' && all.some(other => isAllow(other)))
    action.approximate('a deny wins over every allow, wherever it stands; in Kuma 2 the later item won')
  return [out.item({ default: { [list]: found.value } }, item)]
}

function dropped(item: Field, why: string): object[] {
  item.drop(why)
  return []
}

/** A denial of a part of a service is one of all of it: leaving it out would let in whom it was to keep out. */
function denyWhole(item: Field, ref: Field, why: string, source: Source, world: World, out: Output): object[] {
  const service = ref.text('tags', serviceTag) ?? ref.text('name')
  const whole = service === undefined || service === '*' ? undefined : callersByService(source.mesh, service, world)
  if (whole?.kind !== 'ok') return dropped(item, why)
  item.approximate(`denied to all of ${service}: ${why}`)
  return [out.item({ default: { deny: whole.value } }, item)]
}

function isAllow(item: Field): boolean {
  return String(item.at('default', 'action')?.value).toLowerCase().startsWith('allow')
}

/** Does another permission of the mesh allow every caller? Then a deny of every caller takes something away. */
function allowsAllElsewhere(source: Source, world: World): boolean {
  const policies = world.of(source.mesh, 'MeshTrafficPermission').filter(other => other !== source)
  const allowsAll = (item: Field) => isAllow(item) && item.text('targetRef', 'kind') === 'Mesh'
  return (
    policies.some(other => (other.spec.member('from')?.items() ?? []).some(allowsAll)) ||
    world.of(source.mesh, 'TrafficPermission').some(other => legacySelectors(other, 'sources').some(isEveryone))
  )
}

function isEveryone(match: Field): boolean {
  const tags = tagsOf(match)
  return Object.keys(tags).length === 1 && tags[serviceTag] === '*'
}

/** Of Kuma 2.12 on; its first spelling was `spiffeId`. */
function copyRule(item: Field): object {
  const conf: Keywords = schemaAt(meshTrafficPermissionKind.spec, 'rules', '[]', 'default')
  const match = schemaAt(conf, 'allow', '[]')
  const copied = Object.values(lists).flatMap(list => {
    const matches = item.at('default', list)
    if (matches === undefined) return []
    return [[list, matches.items().map(it => copyMatch(match, it))] as const]
  })
  return { default: Object.fromEntries(copied) }
}

function copyMatch(schema: Keywords, field: Field): InboundMatch {
  const old = field.value !== null && typeof field.value === 'object' && 'spiffeId' in field.value ? field.member('spiffeId') : undefined
  const spiffeID = old === undefined ? {} : { spiffeID: copyKnown(schema.properties!.spiffeID!, old) }
  return { ...(copyKnown(schema, field, old === undefined ? [] : ['spiffeId']) as object), ...spiffeID } as InboundMatch
}

/** The TrafficPermission of old: all of `sources` may call all of `destinations`. */
export function convertLegacyPermission(source: Source, world: World, out: Output): void {
  const allow = legacySelectors(source, 'sources').flatMap(match => {
    const found = callersByTags(source.mesh, match, world)
    if (found.kind === 'ok') return found.value
    match.drop(found.why)
    return []
  })
  if (allow.length === 0) {
    source.root.drop('no caller of it is left: see its sources')
    return
  }
  for (const match of legacySelectors(source, 'destinations')) {
    const targetRef = proxiesOf(match)
    if (targetRef !== null)
      out.add(source, { kind: 'MeshTrafficPermission', spec: { ...topOf(targetRef), rules: [{ default: { allow } }] }, field: match })
  }
}
