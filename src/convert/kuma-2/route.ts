import type { Keywords } from '../../model/keywords.ts'
import { meshHTTPRouteKind } from '../../model/kinds/mesh-http-route.ts'
import { copyKnown, schemaAt } from '../copy-known.ts'
import type { Field } from '../field.ts'
import { backendRef } from './backend-ref.ts'
import { destinations } from './destination.ts'
import type { Output } from './output.ts'
import { topOf } from './policy.ts'
import type { Source } from './source.ts'
import { topTargets } from './top-target.ts'
import type { World } from './world.ts'

const ruleSchema: Keywords = schemaAt(meshHTTPRouteKind.spec, 'to', '[]', 'rules', '[]')
const filterSchema = schemaAt(ruleSchema, 'default', 'filters', '[]')
export const everyPath = { path: { type: 'PathPrefix', value: '/' } }

/** MeshHTTPRoute and MeshTCPRoute: references by labels, of sidecars and of gateways. */
export function convertRoute(source: Source, world: World, out: Output): void {
  const targets = topTargets(source.spec.member('targetRef'), source, world, true)
  if (targets.kind === 'impossible') {
    source.root.drop(targets.why)
    return
  }
  const forGateway = targets.value.some(target => target?.kind === 'MeshGateway')
  const to = (source.spec.member('to')?.items() ?? []).flatMap(item => toItems(item, forGateway, source, world, out))
  if (to.length === 0) {
    source.root.drop('nothing of it is left: see its fields')
    return
  }
  for (const target of targets.value) out.add(source, { kind: source.type, spec: { ...topOf(target), to } })
}

function toItems(item: Field, forGateway: boolean, source: Source, world: World, out: Output): object[] {
  const ref = item.member('targetRef')
  const found = ref === undefined ? undefined : destinations(ref, source.mesh, world)
  if (found === undefined || found.kind === 'impossible') {
    item.drop(found?.why ?? 'it has no targetRef')
    return []
  }
  const rules = (item.member('rules')?.items() ?? []).flatMap(rule => readRule(rule, source, world, out))
  const hostnames = item.member('hostnames')
  if (!forGateway) hostnames?.drop('only the route of a MeshGateway has hostnames')
  const names = forGateway && hostnames !== undefined ? { hostnames: hostnames.keep() } : {}
  if (rules.length === 0) {
    item.drop('none of its rules is left')
    return []
  }
  return found.value.map(targetRef => out.item({ targetRef, ...names, rules }, item))
}

/** None, where one of its backends cannot be named: without it the others would get its share. */
function readRule(rule: Field, source: Source, world: World, out: Output): object[] {
  const refs = rule.at('default', 'backendRefs')?.items() ?? []
  const backends = refs.map(ref => backendRef(ref, source, world, out))
  const filters = (rule.at('default', 'filters')?.items() ?? []).map(filter => readFilter(filter, source, world, out))
  const wrong = [...backends, ...filters].find(it => it.kind === 'impossible')
  if (wrong?.kind === 'impossible') {
    rule.drop(wrong.why)
    return []
  }
  const conf = {
    ...(filters.length > 0 ? { filters: filters.flatMap(it => (it.kind === 'ok' ? [it.value] : [])) } : {}),
    ...(backends.length > 0 ? { backendRefs: backends.flatMap(it => (it.kind === 'ok' ? [it.value] : [])) } : {}),
  }
  if (Object.keys((rule.member('default')?.value as object | undefined) ?? { none: 0 }).length === 0) rule.member('default')!.keep()
  if (source.type === 'MeshTCPRoute') return [{ default: conf }]
  const matches = rule.member('matches')
  return [{ matches: matches === undefined ? [everyPath] : copyKnown(ruleSchema.properties!.matches!, matches), default: conf }]
}

function readFilter(filter: Field, source: Source, world: World, out: Output) {
  const mirror = filter.member('requestMirror')
  if (mirror === undefined) return { kind: 'ok', value: copyKnown(filterSchema, filter) } as const
  const ref = mirror.member('backendRef')
  const found = ref === undefined ? ({ kind: 'impossible', why: 'it mirrors to nothing' } as const) : backendRef(ref, source, world, out)
  if (found.kind === 'impossible') return found
  const percentage = mirror.member('percentage')?.keep()
  filter.member('type')?.keep()
  const requestMirror = { ...(percentage === undefined ? {} : { percentage }), backendRef: found.value }
  return { kind: 'ok', value: { type: 'RequestMirror', requestMirror } } as const
}
